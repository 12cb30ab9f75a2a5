using Dbos.Fluent.Execution;
using Dbos.Fluent.Messaging;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Benchmarks;

/// <summary>Runs a workflow whose every step is recorded, against nothing but memory.</summary>
internal sealed class Replayer : ICommitStore, IServiceProvider, IChildStarter, IQueuePlaces, IWorkflowOutcomes
{
    private readonly RunEnvironment environment;
    private readonly ClaimedWorkflow work;
    private readonly CheckpointRow[] rows;
    private readonly PayloadSerializer serializer = new();

    public Replayer(int steps)
    {
        environment = new RunEnvironment
        {
            ExecutorId = "e",
            ApplicationName = "a",
            ApplicationVersion = "v",
            Registry = new Registry([StepWorkflows.Steps]),
            Checkpointer = new Checkpointer(this, 1, CancellationToken.None),
            Serializer = serializer,
            Clock = new StoreClock(TimeProvider.System),
            Lease = new Lease(TimeSpan.FromDays(1)),
            InHand = new TokensInHand(),
            Wakeups = null!,
            Written = _ => { },
            UnloadAfter = Timeout.InfiniteTimeSpan,
            Leave = (_, _) => Task.FromResult(true),
            Client = () => null!,
            Services = this,
            Logger = NullLogger.Instance,
            WorkflowLogger = NullLogger.Instance,
            Handles = this,
            Places = this,
        };
        work = new ClaimedWorkflow
        {
            Id = "w",
            Name = "steps",
            Token = "t",
            Input = serializer.EncodeInput(steps, typeof(int), PayloadFormat.MessagePack),
            Attempt = 2,
            Origin = new WorkflowOrigin(1, 1),
        };
        rows = [.. Enumerable.Range(0, steps).Select(number =>
        {
            var output = serializer.Encode(number, typeof(int), PayloadFormat.MessagePack);
            return new CheckpointRow(number, "step", 1, 2) { Output = output.Text, Format = output.Format };
        })];
    }

    public async Task ReplayAsync()
    {
        var history = new History(rows);
        using var scope = new RunScope(work, history, new RunFacts(work, history, NullLogger.Instance), environment);
        if ((await new WorkflowRun(scope, StepWorkflows.Steps, this).RunAsync()).Outcome?.Row.State != WorkflowState.Success)
        {
            throw new InvalidOperationException("The replay did not succeed.");
        }
    }

    public int DecodeAll() => rows.Sum(row => (int)serializer.Decode(new Payload(row.Output, row.Format), typeof(int))!);

    public static async Task IterateAsync(int steps)
    {
        var body = StepWorkflows.Steps.Open(steps, null!);
        while (await body.MoveNextAsync() && body.Step is { } step)
        {
            step.Bind(body);
            step.Complete(1);
        }
    }

    public ValueTask<IReadOnlyList<CommitResult>> CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken) =>
        new([.. batch.Select(_ => CommitResult.Written)]);

    public ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken) => new(CommitResult.Written);

    public object? GetService(Type serviceType) => null;

    public bool KeepsPlace(string queue) => false;

    public void RunWaits()
    {
        // Nothing here waits for room.
    }

    public Task<CommitResult> StartAsync(ChildStart start) => throw new NotSupportedException();

    public Task<CommitResult> DebounceAsync(ChildStart start, DebounceCall call) => throw new NotSupportedException();

    public Task<T> GetResultAsync<T>(string workflowId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<WorkflowStatus> GetStatusAsync(string workflowId, CancellationToken cancellationToken) => throw new NotSupportedException();
}
