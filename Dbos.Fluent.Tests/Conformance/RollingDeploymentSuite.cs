namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// A deployment under load: an engine of the old version and one of the new share a database while work keeps coming in, and the old one
/// is drained in the midst of it. Scenarios VP-01 and VP-02.
/// </summary>
public abstract class RollingDeploymentSuite(IDatabaseFixture fixture) : EngineSuite(fixture)
{
    private const int WorkflowsStranded = 1509;
    private static readonly string[] Names = ["steady", "changed", "patient", "family"];

    private readonly Probe hold = new();
    private readonly Random random = Seeds.Next(out _);
    private readonly List<(string Id, string Name)> enqueued = [];

    [Fact]
    public async Task Whatever_is_enqueued_ends_on_code_that_fits_or_is_reported_until_that_code_is_back()
    {
        var old = await LaunchVersionAsync("v1", "old");
        await using var client = await WorkflowClient.ConnectAsync(ConnectAs, Cancel);
        await EnqueueAsync(client, null, "v1");
        await hold.ReachedAsync();
        await LaunchVersionAsync("v2", "new");
        await EnqueueAsync(client, null, "v1", "v2");

        var stopping = old.StopAsync(TimeSpan.FromMilliseconds(50), Cancel).Within(Bounded.Limit);
        await EnqueueAsync(client, null, "v1", "v2");
        await stopping;
        hold.Open();
        await EnqueueAsync(client, null, "v1", "v2");
        foreach (var (id, _) in enqueued.Where(one => one.Name == "patient"))
        {
            await client.SendAsync(id, 7, "t", cancellationToken: Cancel);
        }

        var left = await SettledAsync(client);
        await IsReportedAsync(client, left);
        await FitsAsync(client, except: left);

        // The old version's code is back: what was stranded ends as well.
        await LaunchVersionAsync("v1", "old again");
        foreach (var (id, _) in enqueued)
        {
            await client.ResultAsync<string>(id);
        }

        await FitsAsync(client, except: []);
        var rows = await client.ListAsync(new(), Cancel).ToListAsync(Cancel);
        Assert.All(rows, row => Assert.Equal(WorkflowState.Success, row.State));
        Assert.All(rows, row => Assert.Contains(row.ApplicationVersion, new[] { "v1", "v2" }));
    }

    // One of each name for each version that is asked for, in an order, into queues and with delays that chance decides.
    private async Task EnqueueAsync(WorkflowClient client, params string?[] versions)
    {
        var wanted = Names.SelectMany(name => versions.Select(version => (name, version))).ToArray();
        random.Shuffle(wanted);
        foreach (var (name, version) in wanted)
        {
            var number = enqueued.Count;
            enqueued.Add(($"{name}-{number}", name));
            var options = new StartOptions
            {
                Id = enqueued[^1].Id,
                Queue = random.Next(2) == 0 ? "plain" : "limited",
                ApplicationVersion = version,
                Delay = random.Next(4) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 100)) : null,
            };
            await client.EnqueueAsync<string>(name, [number], options, Cancel);
        }
    }

    // All that can end has ended; what has not is the old version's code, and who waits for it.
    private static async Task<IReadOnlyList<WorkflowStatus>> SettledAsync(WorkflowClient client)
    {
        IReadOnlyList<WorkflowStatus> left = [];
        await Eventually.TrueAsync(
            async () =>
            {
                left = [.. (await client.ListAsync(new(), Cancel).ToListAsync(Cancel)).Where(row => row.State != WorkflowState.Success)];
                return left.All(row => row is { Name: "changed", ApplicationVersion: "v1", State: WorkflowState.Enqueued }
                    || (row.Name == "family" && left.Any(child => child.ParentId == row.Id)));
            },
            Bounded.Limit,
            "nothing is left but the old version of the changed workflow");
        return left;
    }

    private async Task IsReportedAsync(WorkflowClient client, IReadOnlyList<WorkflowStatus> left)
    {
        // At least the one that was enqueued with the old version after that was gone. Whoever is launched now looks soon.
        await LaunchVersionAsync("v2", "newer", options => options.Lease = TimeSpan.FromMilliseconds(500));
        Assert.Equal(
            [["changed", "2"], ["family", "1"], ["patient", "1"], ["steady", "1"]],
            await Database.QueryAsync(
                "SELECT workflow_name, count(DISTINCT fingerprint) FROM fluent_versions GROUP BY workflow_name ORDER BY workflow_name"));
        var stranded = left.Where(row => row.Name == "changed").ToList();
        Assert.NotEmpty(stranded);
        foreach (var row in left)
        {
            // One that keeps its place in a limited queue waits in memory, which its engine alone knows.
            var reason = (await client.ExplainAsync(row.Id, Cancel)).Reason;
            Assert.Contains(reason, row.Name == "changed" ? ["version-not-running"] : new[] { "waiting-for-workflow", "running" });
        }

        await Eventually.TrueAsync(
            () => Log.Entries.Any(entry => entry.Id == WorkflowsStranded
                && entry.Text.Contains($"{stranded.Count} unfinished workflows changed of version v1")),
            Bounded.Limit,
            "all that is stranded is told of");
        Assert.All(
            Log.Entries.Where(entry => entry.Id == WorkflowsStranded),
            entry => Assert.Contains("unfinished workflows changed of version v1", entry.Text));
    }

    // Every history is that of one version's code, and it is the version that the row names.
    private async Task FitsAsync(WorkflowClient client, IReadOnlyList<WorkflowStatus> except)
    {
        var rows = (await client.ListAsync(new(), Cancel).ToListAsync(Cancel)).FindAll(row => except.All(other => other.Id != row.Id));
        foreach (var row in rows.Where(row => row.Name == "changed"))
        {
            var steps = await client.StepsAsync(row.Id);
            Assert.Equal(row.ApplicationVersion == "v1" ? "0 a, 1 b" : "0 c, 1 d", steps);
            Assert.Equal(row.ApplicationVersion, await client.ResultAsync<string>(row.Id));
        }

        foreach (var row in rows.Where(row => row.Name == "steady"))
        {
            Assert.Equal("0 first, 1 second", await client.StepsAsync(row.Id));
        }
    }

    private Task<WorkflowEngine> LaunchVersionAsync(string version, string executor, Action<EngineOptions>? configure = null)
    {
        var changed = version == "v1" ? Changed("a", "b", "v1") : Changed("c", "d", "v2");
        return LaunchAsync(
            options =>
            {
                (options.ApplicationVersion, options.ExecutorId) = (version, executor);
                (options.Lease, options.UnloadAfter) = (TimeSpan.FromSeconds(4), TimeSpan.Zero);
                options.Add(new WorkflowQueue("plain"), new WorkflowQueue("limited") { Concurrency = 4 });
                configure?.Invoke(options);
            },
            changed,
            Workflow.Define<int, string>("family").Call(changed, x => x.Input).As(out var called).Return(x => x.Get(called)),
            Workflow.Define<int, string>("steady")
                .Step("first", _ => Task.FromResult(1))
                .Step("second", x => HoldAsync(x.Input, x.CancellationToken))
                .Return(_ => "steady"),
            Workflow.Define<int, string>("patient").Receive<int>("t").As(out var message).Return(x => $"{x.Get(message)}"));
    }

    private WorkflowDefinition<int, string> Changed(string first, string second, string version) =>
        Workflow.Define<int, string>("changed")
            .Step(first, _ => Task.FromResult(1))
            .Step(second, x => HoldAsync(x.Input, x.CancellationToken))
            .Return(_ => version);

    // Some stand still until the old engine has stopped, so that it is stopped in the midst of them.
    private Task HoldAsync(int number, CancellationToken cancellationToken) =>
        number % 3 == 0 ? hold.PassAsync(cancellationToken) : Task.CompletedTask;

    private void ConnectAs(ClientOptions options)
    {
        Database.Use(options);
        options.ApplicationName = "tests";
    }
}
