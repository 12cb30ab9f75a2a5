namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Everything that manages workflows at once and at random, beside two engines that run them. Scenarios CR, FK, DL.</summary>
public abstract class ManagementRaceSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int Ids = 12;
    private const int Managers = 4;
    private const int Calls = 50;

    private static readonly string[] Tables =
    [
        "workflow_input", "workflow_output", "operation_outputs", "workflow_events", "workflow_events_history", "streams", "fluent_waits",
        "fluent_origins", "fluent_generations",
    ];

    private static readonly WorkflowDefinition<int, int> Child = Workflow.Define<int, int>("child")
        .Step("double", x => Task.FromResult(x.Input * 2)).As(out var doubled)
        .SetEvent("doubled", x => x.Get(doubled))
        .Return(x => x.Get(doubled));

    private static readonly WorkflowDefinition<int, int> Family = Workflow.Define<int, int>("family")
        .WriteStream("s", x => x.Input)
        .Call(Child, x => x.Input).As(out var called)
        .Receive<int>("go")
        .Step("sum", x => Task.FromResult(x.Input + x.Get(called))).As(out var sum)
        .Return(x => x.Get(sum));

    private int seed;

    [Fact]
    public async Task Whatever_is_asked_for_at_once_nothing_hangs_and_nothing_is_left_over()
    {
        var random = Seeds.Next(out seed);
        var one = await LaunchAsync(Sparing("one"), Family, Child);
        var other = await LaunchAsync(Sparing("other"), Family, Child);
        await using var client = await WorkflowClient.ConnectAsync(
            options =>
            {
                Database.Use(options);
                options.ApplicationName = "tests";
            },
            Cancel);
        WorkflowClient[] clients = [one, other, client];
        foreach (var id in Enumerable.Range(0, Ids))
        {
            await one.StartAsync(Family, id, new() { Id = $"w{id}" }, Cancel);
        }

        var managers = Enumerable.Range(0, Managers).Select(number => ManageAsync(clients, new Random(random.Next()), number)).ToArray();
        await Task.WhenAll(managers).Within(TimeSpan.FromMinutes(1), "all calls are answered");

        // What still goes on ends by itself, and what was recorded is right.
        foreach (var id in await UnendedAsync())
        {
            await client.SendAsync(id, 1, "go", cancellationToken: Cancel);
        }

        await Eventually.TrueAsync(async () => (await UnendedAsync()).Count == 0, TimeSpan.FromMinutes(1), "all end");
        await foreach (var row in client.ListAsync(new() { States = [WorkflowState.Success], Name = "family" }, Cancel))
        {
            Assert.Equal($"{int.Parse(row.Input!, null) * 3}", row.Output);
        }

        Breaches.None(await LeftOverAsync());
    }

    private async Task ManageAsync(WorkflowClient[] clients, Random random, int manager)
    {
        for (var call = 0; call < Calls; call++)
        {
            var client = random.GetItems(clients, 1)[0];
            string[] some = [.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => $"w{random.Next(Ids)}")];
            try
            {
                await CallAsync(client, random, some, $"fork {manager} {call}");
            }
            catch (Exception expected) when (expected is NonExistentWorkflowException or WorkflowNotEndedException
                or ArgumentOutOfRangeException)
            {
                // Another call has come first.
            }
        }
    }

    private Task CallAsync(WorkflowClient client, Random random, string[] some, string fork) => random.Next(9) switch
    {
        0 => client.CancelAsync(some, children: random.Next(2) == 0, Cancel),
        1 => client.ResumeAsync(some, cancellationToken: Cancel),
        2 => client.DeleteAsync(some, children: random.Next(2) == 0, Cancel),
        3 => client.RewindAsync(some[0], random.Next(4), Cancel),
        4 => client.ForkAsync(some[0], random.Next(4), new() { Id = fork }, Cancel),
        5 => client.SetAttributesAsync(some[0], new Dictionary<string, object?> { ["by"] = fork }, Cancel),
        6 => client.SendAsync(some[0], 1, "go", cancellationToken: Cancel),
        7 => client.CollectGarbageAsync(new() { KeepNewest = 5 }, Cancel),
        _ => client.StartAsync(Family, int.Parse(some[0][1..], null), new() { Id = some[0] }, Cancel),
    };

    private async Task<List<string>> UnendedAsync() =>
        [.. (await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED', 'DELAYED')"))
            .Select(row => row[0]!)];

    // A row of a workflow that is not there, or of a wait of one that waits no more.
    private async Task<List<string>> LeftOverAsync()
    {
        var left = new List<string>();
        foreach (var table in Tables)
        {
            var rows = await Database.QueryAsync(
                $"SELECT workflow_uuid FROM {table} WHERE workflow_uuid NOT IN (SELECT workflow_uuid FROM workflow_status)");
            left.AddRange(rows.Select(row => $"seed {seed}: {table} of {row[0]}"));
        }

        var waiting = await Database.QueryAsync("SELECT workflow_uuid, kind FROM fluent_waits");
        var owned = await Database.QueryAsync("SELECT workflow_uuid FROM workflow_status WHERE owner_xid IS NOT NULL");
        var unread = await Database.QueryAsync(
            "SELECT destination_uuid FROM notifications WHERE destination_uuid NOT IN (SELECT workflow_uuid FROM workflow_status)");
        left.AddRange(waiting.Concat(owned).Concat(unread).Select(row => $"seed {seed}: {string.Join(' ', row)}"));
        return left;
    }

    private static Action<EngineOptions> Sparing(string executor) => options =>
        (options.ExecutorId, options.UnloadAfter, options.Lease) = (executor, TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(5));
}
