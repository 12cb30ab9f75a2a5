using System.Diagnostics;
using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>Executes one yielded step: restores it if the history holds it, otherwise runs it and stores its outcome.</summary>
internal sealed class StepExecutor
{
    private readonly RunScope run;
    private readonly RunExecution bodies;
    private readonly SleepExecution sleeps;
    private readonly ChildExecution children;
    private readonly DebounceExecution debounces;
    private readonly GroupExecution groups;
    private readonly AnyExecution races;
    private readonly ParallelExecution branches;
    private readonly SendExecution sends;
    private readonly ReceiveExecution receives;
    private readonly LookExecution looks;
    private readonly PatchExecution patches;

    public StepExecutor(RunScope run, IChildStarter starter)
    {
        this.run = run;
        Records = new StepRecords(run);
        Commits = new StepCommits(run, Records);
        var recorded = new RecordedEnds(run);
        bodies = new RunExecution(run, Records, Commits);
        sleeps = new SleepExecution(run, Records, Commits);
        children = new ChildExecution(run, Records, Commits, starter);
        debounces = new DebounceExecution(run, Records, Commits, starter);
        groups = new GroupExecution(run, this, Records, recorded);
        races = new AnyExecution(run, this, Records, Commits);
        branches = new ParallelExecution(run, this, recorded);
        sends = new SendExecution(run, Records, Commits);
        receives = new ReceiveExecution(run, Records, Commits);
        looks = new LookExecution(run, Records, Commits);
        patches = new PatchExecution(run, Commits);
    }

    /// <summary>What the history holds of the steps.</summary>
    public StepRecords Records { get; }

    /// <summary>Stores what the steps write.</summary>
    public StepCommits Commits { get; }

    public async ValueTask<StepEnd> ExecuteAsync(Step step, StepPlace place)
    {
        if (run.Broken is not null)
        {
            // The code has read a value that cannot be decoded, and continued nevertheless.
            return StepEnd.Broken;
        }

        var end = await ExecuteKindAsync(step, place).ConfigureAwait(false);
        if (end == StepEnd.Completed && step is ICompensableStep { Undo: { } undo })
        {
            var result = step.Unreadable is { } unreadable ? new UnreadableResult(unreadable) : step.ResultValue;
            run.Undos.Add(new Undo(place.Slots.First, step, result, undo));
        }

        return end;
    }

    private ValueTask<StepEnd> ExecuteKindAsync(Step step, StepPlace place) => step switch
    {
        IRunStep body => bodies.RunAsync(step, body, place),
        IAllStep all => groups.AllAsync(step, all, place),
        SleepStep sleep => sleeps.SleepAsync(sleep, place),
        ICallStep call => children.CallAsync(step, call, place),
        IStartStep start => children.StartAsync(step, start, place),
        IStartManyStep many => children.StartManyAsync(step, many, place),
        IDebounceStep debounce => debounces.DebounceAsync(step, debounce, place),
        IAwaitStep await => children.AwaitAsync(step, await.WorkflowId, place),
        IAwaitAnyStep first => children.AwaitAnyAsync(step, first, place),
        ISendStep send => sends.SendAsync(step, send, place),
        IReceiveStep receive => receives.ReceiveAsync(step, receive, place),
        ISetEventStep set => sends.SetEventAsync(step, set, place),
        IGetEventStep get => looks.GetEventAsync(step, get, place),
        IWriteStreamStep write => sends.WriteStreamAsync(step, write, place),
        ICloseStreamStep close => sends.CloseStreamAsync(step, close, place),
        IReadStreamStep read => looks.ReadStreamAsync(step, read, place),
        IAnyStep any => races.AnyAsync(step, any, place),
        IPatchStep patch => patches.PatchAsync(step, patch, place),
        IParallelStep parallel => branches.ParallelAsync(step, parallel, place),
        _ => throw new UnreachableException($"No execution for {step.GetType()}."),
    };
}
