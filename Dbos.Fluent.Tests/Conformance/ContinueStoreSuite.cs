using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>The unit that takes a workflow to its next generation.</summary>
public abstract class ContinueStoreSuite(StoreFixture fixture) : StoreSuite(fixture)
{
    private static readonly WorkflowOrigin Origin = new(42, 4242);

    [Fact]
    public async Task It_deletes_the_checkpoints_and_replaces_the_input_and_the_token()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, A.Direct("w") with { TimeoutMs = 5_000 });
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(owner, 0, 1)));
        bed.Time.Advance(TimeSpan.FromSeconds(2));

        var result = await CommitAsync(bed.Store, new ContinueUnit(owner, 0, "next input", Origin, "next"));

        var now = bed.Time.GetUtcNow().ToUnixTimeMilliseconds();
        Assert.Equal((CommitStatus.Written, now + 5_000), (result.Status, result.DeadlineMs));
        HasColumns(
            await bed.RowAsync("w"),
            ("status", "PENDING"),
            ("owner_xid", "next"),
            ("recovery_attempts", 1),
            ("updated_at", now),
            ("workflow_deadline_epoch_ms", now + 5_000));
        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "next input"));
        HasColumns(await bed.RowAsync("w", "fluent_origins"), ("seed", 42), ("started_at", 4242));
        var history = (await bed.Store.Claims.ReadHistoriesAsync(["w"], Cancel))["w"];
        Assert.Equal((1, 0), (history.Generation, history.Count));

        // A write of the ended generation that is late does not land in the next.
        Assert.Equal([CommitStatus.NotOwned], await StatusesAsync(bed.Store, A.Checkpoints(owner, 0)));
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(owner with { Token = "next" }, 0)));
    }

    [Fact]
    public async Task What_stays_of_the_ended_generation_belongs_to_no_step_of_the_next()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        await bed.ExecuteAsync(
            """
            INSERT INTO workflow_events (workflow_uuid, key, value) VALUES ('w', 'k', 'new');
            INSERT INTO workflow_events_history (workflow_uuid, function_id, key, value) VALUES ('w', 2, 'k', 'old'), ('w', 7, 'k', 'new');
            INSERT INTO streams (workflow_uuid, key, value, "offset", function_id) VALUES ('w', 's', '1', 0, 3);
            INSERT INTO notifications (message_uuid, destination_uuid, message, created_at_epoch_ms, consumed, consumed_by_function_id)
            VALUES ('m', 'w', '1', 1, true, 4), ('unread', 'w', '1', 1, false, NULL)
            """);

        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, new ContinueUnit(owner, 0, "next input", Origin, "next")));
        var third = new ContinueUnit(owner with { Token = "next" }, 1, "third input", Origin, "third");
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, third));

        var events = await bed.QueryAsync("SELECT function_id AS step, value FROM workflow_events_history");
        Assert.Equal(["-1 new"], events.Select(row => $"{row["step"]} {row["value"]}"));
        Assert.Equal(-1L, Convert.ToInt64((await bed.QueryAsync("SELECT function_id AS step FROM streams"))[0]["step"]));
        var read = await bed.QueryAsync("SELECT message_uuid AS id, consumed_by_function_id AS step FROM notifications ORDER BY 1");
        Assert.Equal(["m -1", "unread "], read.Select(row => $"{row["id"]} {row["step"]}"));
    }

    [Fact]
    public async Task Written_again_after_a_lost_answer_it_stands_and_changes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        var (unit, next) = (new ContinueUnit(owner, 0, "next input", Origin, "next"), owner with { Token = "next" });
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, unit));
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(next, 0)));
        var before = await bed.DumpAsync();

        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, unit));
        Assert.Equal(CommitStatus.Written, (await bed.Store.Commits.CommitWaitingAsync(unit, Cancel)).Status);

        Assert.Equal(before, await bed.DumpAsync());
        Assert.Equal(1, (await bed.Store.Claims.ReadHistoriesAsync(["w"], Cancel))["w"].Generation);
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, new ContinueUnit(next, 1, "third", Origin, "third")));
        HasColumns(await bed.RowAsync("w", "workflow_input"), ("inputs", "third"));
        Assert.Equal([CommitStatus.NotOwned], await StatusesAsync(bed.Store, unit));
    }

    [Fact]
    public async Task Whoever_lost_the_workflow_changes_nothing()
    {
        await using var bed = await Fixture.CreateAsync();
        var owner = await RunningAsync(bed, "w");
        Assert.Equal([CommitStatus.Written], await StatusesAsync(bed.Store, A.Checkpoints(owner, 0)));
        var before = await bed.DumpAsync();

        var lost = new ContinueUnit(owner with { Token = "another" }, 0, "next input", Origin, "next");

        Assert.Equal([CommitStatus.NotOwned], await StatusesAsync(bed.Store, lost));
        Assert.Equal([CommitStatus.NotOwned], await StatusesAsync(bed.Store, lost with { Owner = new Ownership("unknown", "t") }));
        Assert.Equal(before, await bed.DumpAsync());
    }
}
