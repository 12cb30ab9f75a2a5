using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Rows as other SDKs write them, and limits at the end of their range: both stores take them alike.</summary>
public abstract class ForeignRowStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    [Fact]
    public async Task The_largest_number_of_recoveries_is_no_limit_that_a_first_run_exceeds()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("a"), A.Enqueued("b"));
        await Queueing.RegisterAsync(bed, new("limited") { Concurrency = 1 });
        await EnqueueAsync(bed, A.Enqueued("c") with { Queue = "limited" });
        var request = A.Claim("token") with { RecoveryAttemptsMax = int.MaxValue };

        var plain = await bed.Store.Claims.ClaimAsync(request, Cancel);
        var limited = await bed.Store.Claims.ClaimLimitedAsync(
            request with { Token = "limited" }, Queueing.Share() with { Queue = "limited" }, Cancel);

        Assert.Equal(["a", "b"], plain.Claimed.Select(work => work.Id));
        Assert.Equal("c", Assert.Single(limited.Result.Claimed).Id);
        Assert.Empty(plain.DeadLettered);
    }

    [Fact]
    public async Task Workflow_enqueued_with_an_empty_executor_begins_when_it_is_first_claimed()
    {
        await using var bed = await Fixture.CreateAsync();
        await EnqueueAsync(bed, A.Enqueued("w"));
        await bed.ExecuteAsync("UPDATE workflow_status SET executor_id = ''");
        bed.Time.Advance(TimeSpan.FromDays(1));

        var claimed = await ClaimOneAsync(bed.Store, A.Claim("token"));

        Assert.Equal((bed.Time.NowMs, true), (claimed.Origin.StartedAtMs, claimed.NeverRan));
    }

    [Fact]
    public async Task Parked_workflow_that_was_resumed_elsewhere_is_at_its_first_attempt_again()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(bed, "w", Parking.ForMessage());
        await bed.ExecuteAsync(
            """
            UPDATE workflow_status
               SET status = 'ENQUEUED', recovery_attempts = 0, delay_until_epoch_ms = NULL, started_at_epoch_ms = NULL
            """);

        Assert.Equal(1, (await ClaimOneAsync(bed.Store, A.Claim("token"))).Attempt);
        HasColumns(await bed.RowAsync("w"), ("recovery_attempts", 1));
    }

    [Fact]
    public async Task Debounced_workflow_of_nobody_is_the_first_callers_who_moves_it()
    {
        await using var bed = await Fixture.CreateAsync();
        await CommitAsync(bed.Store, Debounced("first", application: null));

        Assert.Equal(CommitStatus.Attached, (await CommitAsync(bed.Store, Debounced("second", A.Application))).Status);
        Assert.Equal(CommitStatus.Deduplicated, (await CommitAsync(bed.Store, Debounced("third", A.OtherApplication))).Status);

        HasColumns(await bed.RowAsync("first"), ("application_name", A.Application));
        HasColumns(await bed.RowAsync("first", "workflow_input"), ("inputs", "input of second"));
    }

    [Fact]
    public async Task Schedule_that_is_applied_over_another_languages_names_no_class()
    {
        await using var bed = await Fixture.CreateAsync();
        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly], ScheduleWrite.Create, Cancel);
        await bed.ExecuteAsync("UPDATE workflow_schedules SET workflow_class_name = 'Jobs', workflow_name = 'old'");

        await bed.Store.Schedules.WriteAsync([Scheduling.Nightly], ScheduleWrite.Apply, Cancel);

        HasColumns(
            Assert.Single(await bed.QueryAsync("SELECT * FROM workflow_schedules")),
            ("workflow_class_name", ""), ("workflow_name", A.Name));
    }

    [Fact]
    public async Task Parked_workflow_that_was_woken_into_its_queue_elsewhere_is_not_held_back_by_its_own_start()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Queueing.Line with { RateLimit = new(1, TimeSpan.FromMinutes(1)) });
        await Queueing.EnqueueAsync(bed, "a");
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one"));
        await CommitAsync(bed.Store, new ParkUnit(new("a", "one"), [Parking.ForMessage("a")]));
        await bed.ExecuteAsync("UPDATE workflow_status SET status = 'ENQUEUED' WHERE workflow_uuid = 'a'");

        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "two"));
    }

    [Fact]
    public async Task Of_versions_registered_in_one_millisecond_every_statement_takes_the_same_for_the_latest()
    {
        await using var bed = await Fixture.CreateAsync();
        string[] versions = ["v1", "v2", "v3"];
        foreach (var version in versions)
        {
            await bed.Store.Executors.RegisterAsync(
                A.Executor(version) with { ApplicationVersion = version, Incarnation = version }, Cancel);
        }

        await bed.ExecuteAsync("UPDATE application_versions SET version_timestamp = 5, created_at = 5");
        await EnqueueAsync(bed, A.Enqueued("w") with { ApplicationVersion = null });
        var latest = (await bed.Store.Versions.ReadAllAsync(A.Application, Cancel))[0].Name;

        foreach (var version in versions)
        {
            var claimed = await ClaimIdsAsync(bed.Store, A.Claim("token of " + version) with { ApplicationVersion = version });
            Assert.Equal(version == latest ? ["w"] : None, claimed);
        }
    }

    [Fact]
    public async Task Workflow_that_waits_for_the_first_of_several_is_taken_once_when_all_its_waits_are_over()
    {
        await using var bed = await Fixture.CreateAsync();
        await Parking.ParkedAsync(
            bed, "w", Parking.ForOutcome("a"), Parking.ForOutcome("b") with { Part = 1 }, Parking.ForOutcome("c") with { Part = 2 });
        await Parking.ParkedAsync(bed, "next", Parking.Until(1, "next"));
        await bed.ExecuteAsync("UPDATE fluent_waits SET wake_at = 0 WHERE workflow_uuid = 'w'");

        Assert.Equal(["w", "next"], await Parking.ClaimIdsAsync(bed, new ParkedScope.Due(), A.Claim("next", limit: 2)));
    }

    private static DebounceUnit Debounced(string id, string? application)
    {
        var row = Queueing.Delayed(id) with { DeduplicationId = "key", ApplicationName = application };
        return new DebounceUnit(row, AtMostMs: null);
    }
}
