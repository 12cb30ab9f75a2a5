using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>What a rate's window counts after crashes, shutdowns and changes of the clock.</summary>
public abstract class RateWindowStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Window_counts_each_start_of_what_was_handed_on_and_not_of_what_never_began()
    {
        var queue = Queueing.Line with { RateLimit = new(5, Window) };
        await using var bed = await ArrangeAsync(queue, "a", "b", "c", "d");
        var first = bed.Time.NowMs;
        await Queueing.ClaimIdsAsync(bed, "one", limit: 2);
        await CrashAsync(bed);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "two", limit: 1));
        await bed.Store.Executors.HandBackAsync([new Ownership("a", "two")], attempted: true, Cancel);
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "three", limit: 1));
        await bed.Store.Executors.HandBackAsync([new Ownership("a", "three")], attempted: false, Cancel);

        // Three starts count: two of a, and that of b. The third of a never began.
        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "four"));
        await CrashAsync(bed);
        var held = await Queueing.ClaimAsync(bed, "five");

        Assert.Equal(("", first + 10_000), Outcome(held));
        HasColumns(await bed.RowAsync("a"), ("status", "ENQUEUED"), ("started_at_epoch_ms", first));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_that_a_crash_cut_short_counts_for_its_whole_window_also_after_the_next_start(bool partitioned)
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned), "a", "b", "c");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 5);
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(("", first + 10_000), Outcome(await Queueing.ClaimAsync(bed, "three")));
        bed.Time.Advance(TimeSpan.FromMilliseconds(3_999));
        Assert.Equal(("", first + 10_000), Outcome(await Queueing.ClaimAsync(bed, "four")));
        bed.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(("b", first + 15_000), Outcome(await Queueing.ClaimAsync(bed, "five")));
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("c", Outcome(await Queueing.ClaimAsync(bed, "six")).Ids);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_of_many_starts_that_were_cut_short_counts_also_within_one_millisecond(bool partitioned)
    {
        await using var bed = await ArrangeAsync(Limited(4, partitioned), "a", "b");
        for (var number = 0; number < 3; number++)
        {
            Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, $"{number}", limit: 1));
            await CrashAsync(bed);
        }

        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "four"));
        Assert.Empty(await Queueing.ClaimIdsAsync(bed, "five"));
    }

    [Fact]
    public async Task Start_that_was_cut_short_counts_in_its_own_partition()
    {
        await using var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, Limited(2, partitioned: true));
        await EnqueueAsync(
            bed, Queueing.InPartition("a", "p"), Queueing.InPartition("b", "p"), Queueing.InPartition("c", "q"),
            Queueing.InPartition("d", "q"), Queueing.InPartition("e", "q"));
        await StartAgainAsync(bed, "a", afterSeconds: 5);

        Assert.Equal(["c", "d"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Theory]
    [InlineData(2, 10)]
    [InlineData(10, 2)]
    public async Task Start_that_was_cut_short_counts_for_the_longer_of_two_windows(int seconds, int partitionSeconds)
    {
        await using var bed = await ArrangeAsync(
            Queueing.Line with
            {
                RateLimit = new(2, TimeSpan.FromSeconds(seconds)),
                PartitionRateLimit = new(2, TimeSpan.FromSeconds(partitionSeconds)),
            },
            "a",
            "b");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 5);

        Assert.Equal(("", first + 10_000), Outcome(await Queueing.ClaimAsync(bed, "three")));
    }

    [Fact]
    public async Task Claim_that_is_repeated_after_a_lost_answer_counts_once()
    {
        await using var bed = await ArrangeAsync(Limited(3, partitioned: false), "a", "b", "c");
        await StartAgainAsync(bed, "a", afterSeconds: 5);

        var repeated = await bed.Store.Claims.ClaimLimitedAsync(
            A.Claim("two", limit: 1) with { Repeated = true }, Queueing.Share(), Cancel);

        Assert.Equal(["a"], Queueing.IdsOf(repeated));
        Assert.Equal(1, await bed.CountAsync("fluent_starts"));
        Assert.Equal(["b"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Next_start_that_never_began_frees_its_own_place_and_not_that_of_the_one_before(bool partitioned)
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned), "a", "b");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 5);
        await bed.Store.Executors.HandBackAsync([new Ownership("a", "two")], attempted: false, Cancel);

        Assert.Equal(("a", first + 10_000), Outcome(await Queueing.ClaimAsync(bed, "three")));
    }

    [Fact]
    public async Task Start_that_was_cut_short_counts_after_its_workflow_is_given_up_or_deleted()
    {
        await using var bed = await ArrangeAsync(Limited(3, partitioned: false), "a", "b", "c", "d", "e");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 1);
        Assert.Equal(["b"], await Queueing.ClaimIdsAsync(bed, "three", limit: 1));
        await bed.ExecuteAsync("DELETE FROM workflow_status WHERE workflow_uuid = 'a'");
        await bed.ExecuteAsync("UPDATE workflow_status SET recovery_attempts = 9 WHERE workflow_uuid = 'b'");
        await CrashAsync(bed);

        // The place that is free is that of the deleted workflow's last start.
        var giving = A.Claim("four", limit: 1) with { RecoveryAttemptsMax = 0 };
        Assert.Equal(["b"], (await bed.Store.Claims.ClaimLimitedAsync(giving, Queueing.Share(), Cancel)).Result.DeadLettered);
        Assert.Equal(("c", first + 10_000), Outcome(await Queueing.ClaimAsync(bed, "five")));
    }

    [Fact]
    public async Task What_another_sweep_woke_is_not_started_again_and_counts_once()
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned: false), "a", "b", "c");
        var first = bed.Time.NowMs;
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one", limit: 1));
        await StatusesAsync(bed.Store, new ParkUnit(new Ownership("a", "one"), [Parking.Until(first + 1_000, "a")]));
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        await bed.ExecuteAsync($"UPDATE workflow_status SET status = 'ENQUEUED', queue_name = '{A.Queue}' WHERE workflow_uuid = 'a'");

        Assert.Equal(["a", "b"], await Queueing.ClaimIdsAsync(bed, "two"));
        Assert.Equal(0, await bed.CountAsync("fluent_starts"));
    }

    [Fact]
    public async Task Starts_of_another_application_that_were_cut_short_do_not_count()
    {
        await using var bed = await ArrangeAsync(Limited(1, partitioned: false), "a");
        await bed.ExecuteAsync(
            "INSERT INTO fluent_starts (queue_name, application_name, workflow_uuid, started_at_epoch_ms) "
            + $"VALUES ('{A.Queue}', '{A.OtherApplication}', 'w', {bed.Time.NowMs})");

        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one"));
    }

    [Fact]
    public async Task Starts_are_forgotten_once_no_window_holds_them()
    {
        await using var bed = await ArrangeAsync(Limited(100, partitioned: false), "a");
        for (var number = 0; number < 40; number++)
        {
            await StartAgainAsync(bed, "a", afterSeconds: 1);
            await CrashAsync(bed);
        }

        Assert.InRange(await bed.CountAsync("fluent_starts"), 1, 20);
        bed.Time.Advance(Window);
        await StartAgainAsync(bed, "a", afterSeconds: 1);

        Assert.Equal(1, await bed.CountAsync("fluent_starts"));
    }

    [Fact]
    public async Task Starts_that_were_cut_short_go_with_their_queue()
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned: false), "a");
        await StartAgainAsync(bed, "a", afterSeconds: 5);

        await bed.Store.Queues.DeleteAsync(A.Queue, Cancel);

        Assert.Equal(0, await bed.CountAsync("fluent_starts"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clock_that_was_set_back_moves_also_the_starts_that_were_cut_short(bool partitioned)
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned), "a", "b", "c");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 5);
        await bed.ExecuteAsync("UPDATE fluent_starts SET started_at_epoch_ms = started_at_epoch_ms + 3600000");
        bed.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(("", first + 15_000), Outcome(await Queueing.ClaimAsync(bed, "three")));
        bed.Time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(("b", first + 16_000), Outcome(await Queueing.ClaimAsync(bed, "four")));
    }

    [Fact]
    public async Task Place_in_a_queue_is_told_with_the_starts_that_were_cut_short()
    {
        await using var bed = await ArrangeAsync(Limited(2, partitioned: true), "a", "b");
        var first = bed.Time.NowMs;
        await StartAgainAsync(bed, "a", afterSeconds: 5);
        var question = new PlaceQuestion(A.Queue, "p", A.Application, 10_000, 10_000) { StartsMax = 2, PartitionStartsMax = 2 };

        var full = await bed.Store.Versions.ReadPlaceAsync(question, Cancel);
        bed.Time.Advance(TimeSpan.FromSeconds(5));
        var free = await bed.Store.Versions.ReadPlaceAsync(question with { ApplicationName = null }, Cancel);

        var executors = new ExecutorCounts(1, 1, 1, 1, 1);
        Assert.Equal(new PlaceCounts(1, 1, 2, first, 2, first) { Executors = executors }, full);
        Assert.Equal(new PlaceCounts(1, 1, 1, null, 1, null) { Executors = executors }, free);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clock_that_was_set_back_closes_a_window_for_its_length_and_no_longer(bool partitioned)
    {
        await using var bed = await ArrangeAsync(Limited(1, partitioned), "a", "b");
        Assert.Equal(["a"], await Queueing.ClaimIdsAsync(bed, "one"));
        await bed.ExecuteAsync("UPDATE workflow_status SET started_at_epoch_ms = started_at_epoch_ms + 3600000 WHERE workflow_uuid = 'a'");

        var held = await Queueing.ClaimAsync(bed, "two");
        Assert.Equal(("", bed.Time.NowMs + 10_000), (string.Join(' ', Queueing.IdsOf(held)), held.RetryAtMs));
        bed.Time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(["b"], await Queueing.ClaimIdsAsync(bed, "three"));
    }

    private static WorkflowQueue Limited(int starts, bool partitioned) => partitioned
        ? Queueing.Line with { PartitionRateLimit = new(starts, Window) }
        : Queueing.Line with { RateLimit = new(starts, Window) };

    private static (string Ids, long? RetryAtMs) Outcome(LimitedClaim claim) => (string.Join(' ', Queueing.IdsOf(claim)), claim.RetryAtMs);

    // The executor is gone, and its work waits again.
    private static async Task CrashAsync(StoreBed bed) => await bed.Store.Executors.HandOnAsync(A.HandOn(A.ExecutorId), Cancel);

    // By the claims "one" and "two", between which the executor crashes.
    private static async Task StartAgainAsync(StoreBed bed, string id, int afterSeconds)
    {
        Assert.Equal([id], await Queueing.ClaimIdsAsync(bed, "one", limit: 1));
        bed.Time.Advance(TimeSpan.FromSeconds(afterSeconds));
        await CrashAsync(bed);
        Assert.Equal([id], await Queueing.ClaimIdsAsync(bed, "two", limit: 1));
    }

    private async Task<StoreBed> ArrangeAsync(WorkflowQueue queue, params string[] waiting)
    {
        var bed = await Fixture.CreateAsync();
        await Queueing.RegisterAsync(bed, queue);
        await EnqueueAsync(bed, [.. waiting.Select(id => Queueing.InPartition(id, queue.IsPartitioned ? "p" : null))]);
        return bed;
    }
}
