using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Stores.Sqlite;

public sealed class SqliteFileWorkflowTests : SqliteFileTest
{
    private static CancelError Reason { get; } = new("native", "portable");

    [Fact]
    public async Task An_unknown_workflow_is_nothing()
    {
        Assert.Null(await Store.Workflows.ReadAsync("unknown", Cancel));
        Assert.Null(await Store.Workflows.ReadHistoryAsync("unknown", Cancel));
    }

    [Fact]
    public async Task Payloads_that_an_older_SDK_left_in_the_row_are_read()
    {
        await Database.ExecuteAsync("""
            INSERT INTO workflow_status (workflow_uuid, status, name, inputs, output, serialization)
            VALUES ('old', 'SUCCESS', 'checkout', 'in', 'out', 'portable_json')
            """);

        var row = await ReadAsync("old");

        Assert.Equal(("in", "out", null, "portable_json"), (row.Input.Text, row.Output.Text, row.Error.Text, row.Output.Format));
    }

    [Fact]
    public async Task Outcomes_tell_the_ended_and_the_missing_only()
    {
        await StartAsync(Direct("running"), Direct("done"));
        await CommitAsync(Success("done"));

        var outcomes = await Store.Workflows.ReadOutcomesAsync(["running", "done", "unknown"], Cancel);

        Assert.Equal(["done", "unknown"], outcomes.Select(outcome => outcome.Id));
        Assert.Equal((WorkflowState.Success, "result", false), (outcomes[0].State, outcomes[0].Output.Text, outcomes[0].DeadlinePassed));
        Assert.Null(outcomes[1].State);
    }

    [Fact]
    public async Task Cancelling_ends_what_has_not_ended_and_keeps_the_reason_in_the_rows_format()
    {
        await StartAsync(
            Direct("native"),
            Enqueued("portable") with { Input = new("x", "portable_json"), DeduplicationId = "d" },
            Direct("foreign") with { Input = new("x", "py_pickle") },
            Direct("done"));
        await CommitAsync(Success("done"));

        string[] ids = ["native", "portable", "foreign", "done", "unknown", "native"];
        var cancelled = await Store.Workflows.CancelAsync(ids, false, Reason, Cancel);

        Assert.Equal(["native", "portable", "foreign"], cancelled);
        var row = await ReadAsync("portable");
        Assert.Equal((WorkflowState.Cancelled, null, null), (row.Status.State, row.Status.Queue, row.Status.DeduplicationId));
        Assert.Equal(Time.GetUtcNow(), row.Status.CompletedAt);
        Assert.Equal(
            ("native", "portable", null),
            ((await ReadAsync("native")).Error.Text, row.Error.Text, (await ReadAsync("foreign")).Error.Text));
        Assert.Equal([CommitStatus.NotOwned], await CommitAsync(Checkpoint("native", 0)));
    }

    [Fact]
    public async Task What_is_past_its_deadline_is_cancelled_in_the_order_of_the_deadlines()
    {
        await StartAsync(
            Direct("second") with { TimeoutMs = 200 },
            Direct("first") with { TimeoutMs = 100 },
            Direct("third") with { TimeoutMs = 300 },
            Direct("later") with { TimeoutMs = 10_000 },
            Direct("foreign") with { TimeoutMs = 100, ApplicationName = "bank" });
        Time.Advance(TimeSpan.FromSeconds(1));

        var one = await Store.Workflows.CancelExpiredAsync("shop", 2, Reason, Cancel);
        var two = await Store.Workflows.CancelExpiredAsync("shop", 2, Reason, Cancel);

        Assert.Equal(["first", "second"], one);
        Assert.Equal(["third"], two);
        Assert.True(Assert.Single(await Store.Workflows.ReadOutcomesAsync(["first"], Cancel)).DeadlinePassed);
    }

    [Fact]
    public async Task Executions_that_lost_their_row_are_told_what_became_of_it()
    {
        await StartAsync(Direct("mine"), Direct("cancelled"), Direct("expired") with { TimeoutMs = 100 }, Direct("taken"));
        await Store.Workflows.CancelAsync(["cancelled"], false, Reason, Cancel);
        Time.Advance(TimeSpan.FromSeconds(1));
        await Store.Workflows.CancelExpiredAsync("shop", 10, Reason, Cancel);

        var lost = await Store.Workflows.ReadLostAsync(
            [Owner("mine"), Owner("cancelled"), Owner("expired"), new Ownership("taken", "stale"), Owner("gone")], Cancel);

        Assert.Equal(
            [
                new("cancelled", WorkflowState.Cancelled, false),
                new("expired", WorkflowState.Cancelled, true),
                new("taken", WorkflowState.Pending, false),
                new LostExecution("gone", null, false),
            ],
            lost);
    }

    [Fact]
    public async Task Texts_of_every_script_come_back_as_they_were()
    {
        const string text = "\"quoted\" 'single' ünïcödé 漢字 🙂 \\u0000 \n";
        await StartAsync(Direct(text) with { Input = new("", "portable_json"), AttributesJson = "{}" });

        var row = await ReadAsync(text);

        Assert.Equal((text, "", "{}"), (row.Status.Id, row.Input.Text, row.AttributesJson));
        Assert.Empty(await Store.Workflows.ReadLostAsync([new Ownership(text, "token-" + text)], Cancel));
    }
}
