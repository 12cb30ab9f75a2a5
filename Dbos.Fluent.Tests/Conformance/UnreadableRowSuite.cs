namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Lists, counts and histories beside rows that nobody here can read. Scenario LS-06.</summary>
public abstract class UnreadableRowSuite(IDatabaseFixture fixture) : FilledSuite(fixture)
{
    // LS-06
    [Fact]
    public async Task Payloads_are_readable_and_survive_what_cannot_be_decoded()
    {
        var engine = await LaunchAsync(Echo);
        await engine.RunAsync(Echo, "hello", "good");
        await engine.RunAsync(Echo, "hello", "bad");
        await Database.ExecuteAsync("UPDATE workflow_output SET output = '???' WHERE workflow_uuid = 'bad'");

        var listed = await engine.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel);
        Assert.Equal(("\"hello\"", "\"hello\""), (listed[0].Input, listed[0].Output));
        Assert.Equal(("\"hello\"", "???"), (listed[1].Input, listed[1].Output));
        Assert.Equal(await engine.GetStatusAsync("good", Cancel), listed[0]);
        var bare = await engine.ListAsync(new() { LoadPayloads = false }, Cancel).ToListAsync(Cancel);
        Assert.Equal(listed.Select(status => status with { Input = null, Output = null }), bare);
    }

    // LS-06: one row for each place in which something may stand that nobody can read, also of another writer.
    [Fact]
    public async Task Whatever_cannot_be_decoded_hides_nothing_else()
    {
        var failing = Workflow.Define<string, string>("failing").Step<int>("fails", _ => throw new TimeoutException("why")).Return(_ => "");
        var engine = await LaunchAsync(Echo, failing);
        string[] ended = ["input", "no input", "output", "format", "step", "step format", "attributes", "no name"];
        foreach (var id in ended)
        {
            await engine.RunAsync(Echo, "hello", id);
        }

        foreach (var id in new[] { "error", "step error" })
        {
            await (await engine.BeginAsync(failing, "hello", id)).FailureAsync();
        }

        await ChangeAsync("workflow_input", "inputs = '???'", "input");
        await Database.ExecuteAsync("DELETE FROM workflow_input WHERE workflow_uuid = 'no input'");
        await ChangeAsync("workflow_output", "output = 'AAAA'", "output");
        await ChangeAsync("workflow_status", "serialization = 'of another kind'", "format");
        await ChangeAsync("operation_outputs", "output = '{'", "step");
        await ChangeAsync("operation_outputs", "serialization = 'of another kind'", "step format");
        await ChangeAsync("workflow_status", "attributes = '[1, 2]'", "attributes");
        await ChangeAsync("workflow_status", "name = NULL", "no name");
        await ChangeAsync("workflow_output", "error = '???'", "error");
        await ChangeAsync("operation_outputs", "error = '???'", "step error");

        // Two may have begun in one millisecond, and are then listed by id.
        string[] all = [.. ended, "error", "step error"];
        var listed = (await engine.ListAsync(cancellationToken: Cancel).ToListAsync(Cancel))
            .OrderBy(status => Array.IndexOf(all, status.Id)).ToList();
        Assert.Equal(all, listed.Select(status => status.Id));
        foreach (var status in listed)
        {
            var alone = (await engine.GetStatusAsync(status.Id, Cancel))!;
            Assert.Equal(status with { Error = null }, alone with { Error = null });
            Assert.Equal(status.Error?.ToString(), alone.Error?.ToString());
            var history = await engine.GetHistoryAsync(status.Id, Cancel);
            Assert.Single(history.Checkpoints);
            Assert.Contains(history.Checkpoints[0].Name, history.ToString());
        }

        Assert.Equal(("???", null), (listed[0].Input, listed[1].Input));
        Assert.Equal("AAAA", listed[2].Output);
        Assert.Contains("???", listed[8].Error!.Message);
        Assert.True((await engine.Retrieve<string>("error").FailureAsync()).Is<SerializationFailedException>());
        foreach (var id in new[] { "output", "format" })
        {
            var refused = await Assert.ThrowsAsync<SerializationFailedException>(() => engine.ResultAsync<string>(id));
            Assert.Equal(id, refused.WorkflowId);
        }

        foreach (var id in ended.Except(["output", "format"]))
        {
            Assert.Equal("hello", await engine.ResultAsync<string>(id));
        }

        Task ChangeAsync(string table, string what, string id) =>
            Database.ExecuteAsync($"UPDATE {table} SET {what} WHERE workflow_uuid = '{id}'");
    }

    [Fact]
    public async Task A_row_whose_state_only_a_newer_library_knows_hides_no_other()
    {
        var client = await FilledAsync(5, "status = CASE WHEN n = 3 THEN 'PAUSED' ELSE status END");

        Assert.Equal("w0 w1 w2 w3 w4", await IdsAsync(client, new()));
        Assert.Equal(WorkflowState.Pending, await client.StateOfAsync("w3"));
        Assert.Equal("w0 w1 w2 w4", await IdsAsync(client, new() { States = [WorkflowState.Pending, WorkflowState.Success] }));
        Assert.Equal("PAUSED 1 1000, SUCCESS 4 1000", await CountsAsync(client, CountBy.Status));
        var explained = await client.ExplainAsync("w3", Cancel);
        Assert.Equal(("unknown-state", true), (explained.Reason, explained.Text.Contains("is in state 'PAUSED'")));

        // Nobody knows that it has ended: who waits for it waits on, and the other, of which it is known, is told.
        var waits = client.Retrieve<Unit>("w3").GetResultAsync(Cancel);
        await Database.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = 'w2'");
        Assert.Equal(CancellationReason.Cancelled, await client.Retrieve<Unit>("w2").CancellationAsync());
        Assert.False(waits.IsCompleted);
        await Database.ExecuteAsync("UPDATE workflow_status SET status = 'CANCELLED' WHERE workflow_uuid = 'w3'");
        await Assert.ThrowsAsync<AwaitedWorkflowCancelledException>(() => waits.Within(Bounded.Limit));
    }
}
