using System.Globalization;
using Dbos.Fluent.Tests.Conformance;
using Dbos.Fluent.Tests.Worker;
using Dbos.Fluent.Tests.Worker.Workflows;
using static Dbos.Fluent.Tests.Interop.InteropBed;

namespace Dbos.Fluent.Tests.Interop;

/// <summary>Processes of both languages on one database and one table of queues, under names of their own, while they are killed.</summary>
public sealed class MixedFleetTests(SharedPostgres server) : IAsyncLifetime
{
    private const int EachKind = 6;
    private const string Internal = "_dbos_internal_queue";

    // Who changed whose rows: the workers here tell the database their language, the SDK tells it "dbos_transact_…".
    private const string NoteChanges = """
        CREATE TABLE public.changes (language text, application text);
        CREATE FUNCTION public.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO public.changes VALUES (current_setting('application_name'), OLD.application_name);
          RETURN NULL;
        END $$;
        CREATE TRIGGER note_change AFTER UPDATE OR DELETE ON workflow_status FOR EACH ROW EXECUTE FUNCTION public.note_change();
        """;

    // Known to both languages under the same ids, as to DBOS's default of "local" for all.
    private static readonly string[] Executors = ["one", "two"];

    private readonly InteropBed bed = new(server);
    private readonly TempFolder ledger = new();
    private readonly List<ChildProcess> workers = [];
    private readonly List<NodeProgram> nodes = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await bed.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers)
        {
            await worker.DisposeAsync();
        }

        await bed.DisposeAsync();
        ledger.Dispose();
    }

    [Fact]
    public async Task Both_languages_finish_their_own_work_and_touch_no_other_while_both_are_killed()
    {
        await LaunchFleetAsync();
        await bed.QueryAsync(NoteChanges);
        var client = await bed.ConnectAsync(WorkerEngine.ApplicationName);
        await client.Queues.RegisterAsync(new WorkflowQueue(DotnetQueue), cancellationToken: Cancel);
        await EnqueueAsync(client);
        foreach (var victim in Executors.Index())
        {
            await BegunAsync((victim.Index + 1) * EachKind);
            await Task.WhenAll(workers[victim.Index].KillAsync(), nodes[victim.Index].KillAsync());
            await Task.WhenAll(ReplaceWorkerAsync(victim.Item), ReplaceNodeAsync(victim.Item));
        }

        await Eventually.TrueAsync(async () => await CountAsync("status <> 'SUCCESS'") == 0, Bounded.Limit, "all have finished");

        Assert.Equal(4 * EachKind, await CountAsync("workflow_uuid LIKE 'dotnet %'"));
        Assert.Equal(2 * EachKind, await CountAsync("workflow_uuid LIKE 'typescript %'"));
        await EachKeptItsOwnAsync();
        var changes = await bed.QueryAsync(
            "SELECT DISTINCT replace(left(language, 13), 'dbos_transact', 'typescript'), application FROM public.changes ORDER BY 1");
        Assert.Equal([[Dotnet, WorkerEngine.ApplicationName], [TypeScript, TypeScript]], changes);
    }

    [Fact]
    public async Task Parked_workflows_survive_the_sweep_of_a_process_without_a_name_and_with_a_wrong_clock()
    {
        var counts = new Counts();
        var waiting = Workflow.Define<TimeSpan, string>("waiting", RunWaiting);
        var sleeping = Parkable.Sleeping(counts, TimeSpan.FromSeconds(8));
        Task<WorkflowEngine> LaunchAsync() => bed.LaunchAsync(
            options => options.Add(waiting, sleeping).UnloadAfter = TimeSpan.FromMilliseconds(20));
        var engine = await LaunchAsync();
        var nameless = await bed.ConnectNodeAsync(application: null);
        await engine.BeginAsync(waiting, TimeSpan.FromDays(9), "awake");
        await engine.BeginAsync(waiting, TimeSpan.FromDays(9), "asleep");
        await engine.BeginAsync(waiting, Timeout.InfiniteTimeSpan, "open");
        await engine.BeginAsync(sleeping, default, "sleeper");
        await Task.WhenAll(((string[])["awake", "asleep", "open", "sleeper"]).Select(id => Parkable.ParkedAsync(engine, id)));

        // Whoever lives takes what was swept up at once, finds nothing, and parks it again.
        await SweepAsync(nameless);
        await Eventually.TrueAsync(async () => await CountAsync("status = 'ENQUEUED'") == 0, Bounded.Limit, "all are taken up");
        await nameless.CallAsync("send", "awake", "good morning", "go");
        Assert.Equal("good morning", await engine.ResultAsync<string>("awake"));
        Assert.Equal(1, await engine.ResultAsync<int>("sleeper"));

        // Nobody lives: what was swept waits in the queue, with its message.
        await Parkable.ParkedAsync(engine, "asleep");
        await engine.StopAsync(TimeSpan.Zero, Cancel).Within(Bounded.Limit);
        await SweepAsync(nameless);
        Assert.Equal(1, await CountAsync("workflow_uuid = 'asleep' AND status = 'ENQUEUED'"));
        await nameless.CallAsync("send", "asleep", "good evening", "go");
        await nameless.CallAsync("send", "open", "at last", "go");
        engine = await LaunchAsync();

        Assert.Equal("good evening", await engine.ResultAsync<string>("asleep"));
        Assert.Equal("at last", await engine.ResultAsync<string>("open"));
        Assert.Equal((1, 1), (counts["before"], counts["after"]));
        Assert.Equal(4, await CountAsync("recovery_attempts = 1"));
        var slept = await bed.QueryAsync(
            "SELECT max(started_at_epoch_ms) - min(completed_at_epoch_ms) FROM operation_outputs "
            + "WHERE function_name IN ('before', 'after')");
        Assert.InRange(long.Parse(slept[0][0]!, CultureInfo.InvariantCulture), 2000, long.MaxValue);

        static async IAsyncEnumerable<StepOr<string>> RunWaiting(TimeSpan timeout, WorkflowContext workflow)
        {
            yield return Step.Receive<string>("go", timeout).As(out var message);
            yield return message.Result.ValueOr("nothing");
        }
    }

    [Fact]
    public async Task The_sdk_itself_launches_no_executor_without_a_name()
    {
        var refused = await bed.StartNode().FailureAsync("launchNameless", bed.Url);

        Assert.Contains("No application name was provided", refused.Text);
    }

    // Its clock is a month ahead. It also looks for work in the queue that every application has, as an executor of a version of its own.
    private static async Task SweepAsync(NodeProgram nameless)
    {
        await nameless.CallAsync("sweep", DateTimeOffset.UtcNow.AddDays(30).ToUnixTimeMilliseconds());
        Assert.Empty(await nameless.CallAsync<string[]>("take", Internal, "nameless", TypeScriptVersion));
    }

    private async Task LaunchFleetAsync()
    {
        workers.AddRange(Executors.Select(StartWorker));
        foreach (var worker in workers)
        {
            await worker.ReachedAsync("launched");
        }

        // The SDK takes no lock while it makes tables, so they must be there.
        nodes.AddRange(await Task.WhenAll(Executors.Select(bed.LaunchNodeAsync)));
    }

    private ChildProcess StartWorker(string executor) => ChildProcess.Start("serve", ["end"], new Dictionary<string, string>
    {
        ["postgres"] = bed.ConnectionString + ";Application Name=" + Dotnet,
        ["notifications"] = "true",
        ["ledger"] = ledger.Path,
        ["executor"] = executor,
        ["lease"] = "1500",
        ["unload"] = "100",
    });

    private async Task ReplaceWorkerAsync(string executor)
    {
        var worker = StartWorker(executor);
        workers.Add(worker);
        await worker.ReachedAsync("launched");
    }

    private async Task ReplaceNodeAsync(string executor) => nodes.Add(await bed.LaunchNodeAsync(executor));

    // Half of it in each application's queue, half in the one that both have; "steps" is a workflow of both.
    private async Task EnqueueAsync(WorkflowClient client)
    {
        using var effects = new Ledger(ledger.Path);
        var workflows = new CrashWorkflows(effects);
        for (var n = 0; n < EachKind; n++)
        {
            foreach (var (definition, input) in new[] { (workflows.Steps, 0), (workflows.Sleeping, 300), (workflows.Parent, 0) })
            {
                await client.StartAsync(
                    definition,
                    input,
                    new()
                    {
                        Id = $"dotnet {definition.Name} {n}",
                        Queue = n % 2 == 0 ? DotnetQueue : Internal,
                        Format = PayloadFormat.PortableJson,
                    },
                    Cancel);
            }

            foreach (var queueName in (string[])[TypeScriptQueue, Internal])
            {
                var workflowID = $"typescript {queueName} {n}";
                await nodes[^1].CallAsync("enqueue", new { workflowID, workflowName = "steps", queueName }, (object[])[3, 150]);
            }
        }
    }

    private Task BegunAsync(int count) => Eventually.TrueAsync(
        async () => await CountAsync("workflow_uuid LIKE 'dotnet %' AND recovery_attempts > 0") >= count
            && await CountAsync("workflow_uuid LIKE 'typescript %' AND recovery_attempts > 0") >= count,
        Bounded.Limit,
        $"{count} of each language have begun");

    // Under the same executor ids, so only the process tells whose work it was.
    private async Task EachKeptItsOwnAsync()
    {
        (string Language, string Application, string Version, IEnumerable<int> Processes)[] languages =
        [
            (Dotnet, WorkerEngine.ApplicationName, WorkerEngine.ApplicationVersion, workers.Select(worker => worker.Id)),
            (TypeScript, TypeScript, TypeScriptVersion, nodes.Select(node => node.Id)),
        ];
        foreach (var (language, application, version, processes) in languages)
        {
            var owners = await bed.QueryAsync(
                $"SELECT DISTINCT application_name, application_version FROM workflow_status WHERE workflow_uuid LIKE '{language} %'");
            Assert.Equal([[application, version]], owners);
            var steps = await bed.QueryAsync(
                $"SELECT DISTINCT application_name FROM operation_outputs WHERE workflow_uuid LIKE '{language} %'");
            Assert.Equal([[application]], steps);
            var versions = await bed.QueryAsync($"SELECT version_name FROM application_versions WHERE application_name = '{application}'");
            Assert.Equal([[version]], versions);
            var outputs = await bed.QueryAsync(
                $"SELECT output FROM workflow_output WHERE workflow_uuid LIKE '{language} %' AND workflow_uuid NOT LIKE '%-1'");
            var ids = processes.Select(id => id.ToString(CultureInfo.InvariantCulture)).ToHashSet();
            Assert.All(outputs.SelectMany(row => ProcessesIn(row[0]!)), id => Assert.Contains(id, ids));
        }
    }

    private static string[] ProcessesIn(string output) => output.Trim('[', ']', '"').Split(',');

    private async Task<long> CountAsync(string condition)
    {
        var rows = await bed.QueryAsync($"SELECT count(*) FROM workflow_status WHERE {condition}");
        return long.Parse(rows[0][0]!, CultureInfo.InvariantCulture);
    }
}
