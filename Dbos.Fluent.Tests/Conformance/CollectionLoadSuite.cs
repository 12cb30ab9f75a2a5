using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Microsoft.Extensions.Logging;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Retention that goes on and on beside a steady load. Scenario GC-04.</summary>
public abstract class CollectionLoadSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    // With their children 400 workflows a second for eight seconds, or as many as the machine can do.
    private const int Loaded = 1600;
    private const int Portion = 20;
    private const int MostAtOnce = 400;

    private const int Held = 20;
    private const int Delayed = 5;
    private const int AgeMs = 500;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(90);

    private static readonly WorkflowQueue Later = new("later");

    private static readonly WorkflowDefinition<int, int> Child = Workflow.Define<int, int>("child")
        .Step("square", x => Task.FromResult(x.Input * x.Input)).As(out var square)
        .Return(x => x.Get(square));

    private int worked;

    protected override bool SharesDatabases => false;

    // Leaves rows in every table that workflows have; one that is held lives, with all of them, until it is told to go on.
    private WorkflowDefinition<int, int> Workflows => field ??= Workflow.Define<int, int>("loaded", Body);

    [Fact]
    public async Task Collections_without_end_beside_a_steady_load_delete_only_what_ended_long_enough_ago_and_all_of_it()
    {
        await Database.NoteChangesAsync();
        await NoteOutputsAsync();
        var engine = await LaunchAsync(options => options.Add(Later), Workflows, Child);
        await StartAsync(engine, "held", 0, Held);
        await StartAsync(engine, "delayed", 0, Delayed, new() { Queue = Later, Delay = TimeSpan.FromHours(1) });
        await Eventually.TrueAsync(
            async () => await Database.WorkflowsAsync("name = 'child' AND status = 'SUCCESS'") == Held, Bounded.Limit, "all are held");

        var load = LoadAsync(engine);
        var collected = await Task.WhenAll(CollectAsync(engine, load), CollectAsync(engine, load)).Within(Soon);
        await load;

        Assert.InRange(collected.Sum(), 1, 2 * Loaded);
        Assert.Equal(Held, await Database.WorkflowsAsync("name = 'loaded' AND workflow_uuid LIKE 'held-%' AND status <> 'SUCCESS'"));
        Assert.Equal(Held, await Database.WorkflowsAsync("parent_workflow_id LIKE 'held-%' AND status = 'SUCCESS'"));
        Assert.Equal(Delayed, await Database.WorkflowsAsync("workflow_uuid LIKE 'delayed-%' AND status = 'DELAYED'"));
        await OrphansAsync();

        await engine.SendManyAsync(
            Enumerable.Range(0, Held).Select(number => ($"held-{number}", number, (string?)"go on", (string?)null)),
            cancellationToken: Cancel);
        await EndedAsync(2 * (Loaded + Held));
        var rest = (await engine.CollectGarbageAsync(new() { KeepNewest = 0 }, Cancel).Within(Soon)).Workflows;
        Assert.Equal(2 * (Loaded + Held), collected.Sum() + rest);
        Assert.Equal(Delayed, await Database.WorkflowsAsync());
        await OrphansAsync();
        await EachWasRightAsync(collected.Sum());
    }

    private async Task LoadAsync(WorkflowEngine engine)
    {
        using var tick = new PeriodicTimer(Tick);
        for (var started = 0; started < Loaded;)
        {
            await tick.WaitForNextTickAsync(Cancel);
            if (started - Volatile.Read(ref worked) < MostAtOnce)
            {
                await StartAsync(engine, "load", started, Portion);
                started += Portion;
            }
        }

        // Of those that are held the children.
        await EndedAsync((2 * Loaded) + Held);
    }

    // However many are deleted already.
    private Task EndedAsync(int count) => Eventually.TrueAsync(
        async () => await Database.CountAsync("SELECT count(*) FROM noted_outputs") == count, Bounded.Limit, $"{count} have ended");

    private static async Task<long> CollectAsync(WorkflowEngine engine, Task load)
    {
        var collected = 0L;
        while (!load.IsCompleted)
        {
            collected += (await engine.CollectGarbageAsync(new() { OlderThan = TimeSpan.FromMilliseconds(AgeMs) }, Cancel)).Workflows;
        }

        return collected;
    }

    private async Task StartAsync(WorkflowEngine engine, string prefix, int from, int count, StartOptions? options = null) =>
        await engine.StartManyAsync(
            Workflows,
            Enumerable.Range(from, count).Select(
                number => (number, (StartOptions?)((options ?? new()) with { Id = $"{prefix}-{number}" }))),
            Cancel).Within(Bounded.Limit);

    private async IAsyncEnumerable<StepOr<int>> Body(int number, WorkflowContext workflow)
    {
        yield return Step.SetEvent("number", number);
        yield return Step.WriteStream("numbers", number);
        yield return Step.CloseStream("numbers");
        yield return Step.Call(Child, number).As(out var square);
        if (workflow.WorkflowId.StartsWith("load", StringComparison.Ordinal))
        {
            yield return Step.Send(workflow.WorkflowId, number, "go on");
        }

        yield return Step.Receive<int>("go on").As(out var told);
        yield return Step.Run("work", _ => Task.FromResult(Interlocked.Increment(ref worked)));
        yield return square.Result + told.Result;
    }

    // What the database itself has seen of each: written once and right, run once, and old enough when it was deleted.
    private async Task EachWasRightAsync(long collectedByAge)
    {
        var serializer = new PayloadSerializer();
        var results = (await Database.QueryAsync("SELECT workflow_uuid, output FROM noted_outputs")).ToDictionary(
            row => row[0]!, row => (int)serializer.Decode(new Payload(row[1], PayloadSerializer.NativeFormat), typeof(int))!);
        foreach (var (prefix, count) in new[] { ("load", Loaded), ("held", Held) })
        {
            for (var number = 0; number < count; number++)
            {
                Assert.Equal((number * number) + number, results[$"{prefix}-{number}"]);
            }
        }

        Assert.Equal(Loaded + Held, worked);
        var deleted = await Database.QueryAsync(
            "SELECT status, recovery_attempts, noted_at - completed_at FROM noted_changes WHERE change = 'DELETE' ORDER BY id");
        Assert.All(deleted, row => Assert.Equal(("SUCCESS", "1"), (row[0], row[1])));
        Assert.All(
            deleted.Take((int)collectedByAge),
            row => Assert.InRange(long.Parse(row[2]!, System.Globalization.CultureInfo.InvariantCulture), AgeMs, long.MaxValue));
        Assert.DoesNotContain(Log.Entries, entry => entry.Level >= LogLevel.Error);
    }

    private async Task OrphansAsync()
    {
        foreach (var table in RewindStoreSuite.Tables)
        {
            var (column, home) = table switch
            {
                "notifications" => ("destination_uuid", "SELECT workflow_uuid FROM workflow_status"),
                "fluent_message_order" => ("message_uuid", "SELECT message_uuid FROM notifications"),
                _ => ("workflow_uuid", "SELECT workflow_uuid FROM workflow_status"),
            };
            Assert.True(await Database.CountAsync($"SELECT count(*) FROM {table} WHERE {column} NOT IN ({home})") == 0, table);
        }
    }

    private Task<int> NoteOutputsAsync() => Database.ExecuteAsync(
        Database is SqliteTestDatabase
            ? """
              CREATE TABLE noted_outputs (workflow_uuid, output);
              CREATE TRIGGER note_output AFTER INSERT ON workflow_output
              BEGIN INSERT INTO noted_outputs VALUES (new.workflow_uuid, new.output); END;
              """
            : $"""
              CREATE TABLE noted_outputs (workflow_uuid text, output text);
              CREATE FUNCTION note_output() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN INSERT INTO {MigratedDatabases.Schema}.noted_outputs VALUES (NEW.workflow_uuid, NEW.output); RETURN NULL; END $$;
              CREATE TRIGGER note_output AFTER INSERT ON workflow_output FOR EACH ROW EXECUTE FUNCTION note_output();
              """);
}
