namespace Dbos.Fluent.Tests.Worker.Workflows;

/// <summary>Workflows that undo, run branches at once, race, and take messages.</summary>
internal sealed partial class CrashWorkflows
{
    /// <summary>Two steps that can be undone, and a failure.</summary>
    public WorkflowDefinition<int, string> Saga => field ??= Workflow.Define<int, string>("saga", RunSaga);

    /// <summary>Two branches of two steps each, and a step.</summary>
    public WorkflowDefinition<int, string> Branches => field ??= Workflow.Define<int, string>("branches")
        .Parallel(
            ("left", branch => branch.Then(_ => Effect("left 0")).Then(_ => Effect("left 1"))),
            ("right", branch => branch.Then(_ => Effect("right 0")).Then(_ => Effect("right 1"))))
        .Then(_ => Effect("after")).As(out var after)
        .Return(x => x.Get(after));

    /// <summary>A race of a step and one that never ends, and a step.</summary>
    public WorkflowDefinition<int, string> Race => field ??= Workflow.Define<int, string>("race", RunRace);

    /// <summary>A step, two messages, a step; the result is the messages.</summary>
    public WorkflowDefinition<int, string> Receiving => field ??= Workflow.Define<int, string>("receiving", RunReceiving);

    /// <summary>A step, a message, a step: it stays where it runs until it is told to go on.</summary>
    public WorkflowDefinition<int, int> Waiting => field ??= Workflow.Define<int, int>("waiting", RunWaiting);

    /// <summary>A step that is named by the moment, in milliseconds, for which a schedule has started it.</summary>
    public WorkflowDefinition<ScheduledRun, Unit> Ticked => field ??= Workflow.Define<ScheduledRun>("ticked", RunTicked);

    /// <summary>Two stream values, a step that writes one more, another value, and the end of the stream.</summary>
    public WorkflowDefinition<int, string> Streaming => field ??= Workflow.Define<int, string>("streaming", RunStreaming);

    /// <summary>A step that waits until it is told to stop, and tells why.</summary>
    public WorkflowDefinition<int, string> Told => field ??= Workflow.Define<int, string>("told")
        .Step("told", x => TellAsync(x.Step)).As(out var told)
        .Return(x => x.Get(told));

    private async Task<string> TellAsync(StepContext step)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = step.CancellationToken.Register(stopped.SetResult).ConfigureAwait(false);
        await reach("inside told");
        await stopped.Task;
        await reach($"told {step.CancellationReason}");
        throw new OperationCanceledException(step.CancellationToken);
    }

    private async IAsyncEnumerable<StepOr<string>> RunSaga(int input, WorkflowContext workflow)
    {
        yield return Undoable("one");
        yield return Undoable("two");
        throw new TimeoutException("Nothing came of it.");
    }

    private async IAsyncEnumerable<StepOr<string>> RunRace(int input, WorkflowContext workflow)
    {
        var loser = Step.Run("loser", async step =>
        {
            await reach("inside loser");
            await new TaskCompletionSource<string>().Task.WaitAsync(step.CancellationToken);
        });
        yield return Step.Any(loser, Effect("winner")).As(out var winner);
        yield return Effect("after");
        yield return winner.Result == 1 ? "the winner" : "the loser";
    }

    private async IAsyncEnumerable<StepOr<string>> RunReceiving(int input, WorkflowContext workflow)
    {
        yield return Effect("one");
        yield return Step.Receive<string>("t").As(out var first);
        yield return Step.Receive<string>("t").As(out var second);
        yield return Effect("two");
        yield return $"{first.Result} {second.Result}";
    }

    private async IAsyncEnumerable<StepOr<int>> RunWaiting(int input, WorkflowContext workflow)
    {
        yield return Effect("0");
        yield return Step.Receive<int>("go on").As(out var told);
        yield return Effect("1");
        yield return told.Result;
    }

    private async IAsyncEnumerable<Step> RunTicked(ScheduledRun run, WorkflowContext workflow)
    {
        yield return Effect($"{run.ScheduledAt.ToUnixTimeMilliseconds()}");
    }

    private async IAsyncEnumerable<StepOr<string>> RunStreaming(int input, WorkflowContext workflow)
    {
        yield return Step.WriteStream("s", "one");
        yield return Step.WriteStream("s", "two");
        yield return Step.Run("tell", async step =>
        {
            await step.Client.WriteStreamAsync("s", "told");
            return await EffectAsync("tell", step);
        });
        yield return Step.WriteStream("s", "three");
        yield return Step.CloseStream("s");
        yield return "streamed";
    }

    private RunStep<string> Undoable(string name) => Step.Run(name, step => EffectAsync(name, step))
        .CompensateWith(undo => EffectAsync("undo " + name, undo));
}
