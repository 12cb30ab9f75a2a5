namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Calls for many workflows at once: where the database refuses one of them, none is changed. Scenarios CR, DL.</summary>
public abstract class AllOrNoneSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Count = 1_200;

    private readonly Probe gate = new();
    private readonly Counts counts = new();
    private WorkflowDefinition<Unit, int>? held;

    // A trigger is a change of the tables.
    protected override bool SharesDatabases => false;

    [Fact]
    public async Task Cancels_resumes_and_deletes_of_many_apply_to_all_of_them_or_to_none()
    {
        var engine = await LaunchAsync(Held());
        var ids = await WaitingAsync(engine, Count);
        await engine.BeginAsync(Held(), default, "running");
        await gate.ReachedAsync();
        string[] all = ["running", .. ids];
        await RefuseAsync(ids[^1]);
        var before = await RowsAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => engine.CancelAsync(all, cancellationToken: Cancel).Within(Bounded.Limit));
        Assert.Equal(before, await RowsAsync());
        await Assert.ThrowsAnyAsync<Exception>(() => engine.ResumeAsync(all, cancellationToken: Cancel).Within(Bounded.Limit));
        Assert.Equal(before, await RowsAsync());
        await Assert.ThrowsAnyAsync<Exception>(() => engine.DeleteAsync(all, cancellationToken: Cancel).Within(Bounded.Limit));
        Assert.Equal(before, await RowsAsync());

        // The run was told nothing of it.
        gate.Open();
        Assert.Equal(1, await engine.ResultAsync<int>("running"));
        Assert.Equal((1, 0), (counts["held"], counts["told"]));
    }

    [Fact]
    public async Task What_is_asked_for_with_children_applies_to_all_of_the_family_or_to_none()
    {
        var leaf = Workflow.Define<Unit>("leaf").Sleep(TimeSpan.FromDays(1)).End();
        var parent = Workflow.Define<Unit>("parent").Call(leaf, _ => default).End();
        var engine = await LaunchAsync(options => options.UnloadAfter = TimeSpan.Zero, parent, leaf);
        await engine.BeginAsync(parent, default, "P");
        await Parkable.ParkedAsync(engine, "P");
        await Parkable.ParkedAsync(engine, "P-0");
        await RefuseAsync("P-0");
        var before = await RowsAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => engine.CancelAsync("P", children: true, Cancel).Within(Bounded.Limit));
        Assert.Equal(before, await RowsAsync());
        await Assert.ThrowsAnyAsync<Exception>(() => engine.DeleteAsync("P", children: true, Cancel).Within(Bounded.Limit));
        Assert.Equal(before, await RowsAsync());

        await engine.CancelAsync("P", cancellationToken: Cancel);
        Assert.Equal(
            (WorkflowState.Cancelled, WorkflowState.Delayed), (await engine.StateOfAsync("P"), await engine.StateOfAsync("P-0")));
    }

    private WorkflowDefinition<Unit, int> Held() => held ??=
        Workflow.Define<Unit, int>("held")
            .Step("held", async x =>
            {
                counts.Add("held");
                x.CancellationToken.Register(() => counts.Add("told"));
                await gate.PassAsync(x.CancellationToken);
            })
            .Return(_ => 1);

    private async Task<string[]> WaitingAsync(WorkflowEngine engine, int count)
    {
        var starts = Enumerable.Range(0, count).Select(n => (default(Unit), (StartOptions?)new()
        {
            Id = $"w{n:0000}",
            Delay = TimeSpan.FromDays(1),
        }));
        return [.. (await engine.StartManyAsync(Held(), starts, Cancel)).Select(handle => handle.Id)];
    }

    private async Task<string> RowsAsync()
    {
        var rows = await Database.QueryAsync(
            """
            SELECT w.workflow_uuid, w.status, w.updated_at, w.completed_at, w.queue_name, w.owner_xid, i.inputs,
                   (SELECT count(*) FROM workflow_output AS o WHERE o.workflow_uuid = w.workflow_uuid),
                   (SELECT count(*) FROM operation_outputs AS s WHERE s.workflow_uuid = w.workflow_uuid)
              FROM workflow_status AS w LEFT JOIN workflow_input AS i ON i.workflow_uuid = w.workflow_uuid
             ORDER BY w.workflow_uuid
            """);
        return string.Join('\n', rows.Select(row => string.Join('|', row)));
    }

    private Task<int> RefuseAsync(string id) => Database.ExecuteAsync(
        Database is SqliteTestDatabase
            ? $"""
              CREATE TRIGGER no_change BEFORE UPDATE ON workflow_status WHEN old.workflow_uuid = '{id}'
              BEGIN SELECT raise(ABORT, 'refused by the test'); END;
              CREATE TRIGGER no_delete BEFORE DELETE ON workflow_status WHEN old.workflow_uuid = '{id}'
              BEGIN SELECT raise(ABORT, 'refused by the test'); END;
              """
            : $"""
              CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused by the test'; END $$;
              CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON workflow_status
                 FOR EACH ROW WHEN (OLD.workflow_uuid = '{id}') EXECUTE FUNCTION refuse();
              """);
}
