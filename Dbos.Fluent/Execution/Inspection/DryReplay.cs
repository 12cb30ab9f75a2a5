using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Replays a history against a definition to check whether they agree. It reads only what is recorded: no step begins, nothing is written,
/// and the body is dropped undisposed, as in a crash.
/// </summary>
internal sealed class DryReplay : IDisposable
{
    private readonly RunScope run;
    private readonly WorkflowDefinition definition;
    private readonly StepExecutor steps;
    private readonly int highest;
    private int next;

    private DryReplay(ClaimedWorkflow work, History history, WorkflowDefinition definition, RunEnvironment environment)
    {
        // The row that begins the undoing may have the number of a step that was not recorded: the body is replayed up to it.
        history.End = history.Find(BuiltInNames.Compensating)?.Sequence ?? int.MaxValue;
        highest = history.HighestBelowEnd;
        var facts = new RunFacts(work, history, NullLogger.Instance);
        run = new RunScope(work, history, facts, environment with { Checkpointer = Refusing() }) { IsLookingBack = true };
        (this.definition, steps) = (definition, new StepExecutor(run, new RefusingStarter()));
    }

    /// <summary>Says why a definition cannot continue a history; null if it can.</summary>
    public static async Task<string?> FindConflictAsync(
        ClaimedWorkflow work, StoredHistory rows, WorkflowDefinition definition, RunEnvironment environment)
    {
        using var replay = new DryReplay(work with { Generation = rows.Generation }, new History(rows), definition, environment);
        try
        {
            return await replay.DriveAsync().ConfigureAwait(false) ?? replay.NotUndone();
        }
        catch (SerializationFailedException undecodable)
        {
            return undecodable.Message;
        }
        catch (Exception exception)
        {
            // The user's code between steps threw, which may be how the workflow fails. Only recorded steps beyond this point conflict.
            return replay.run.Broken?.Message ?? replay.Rest($"throws {exception.GetType().Name}") ?? replay.NotUndone();
        }
    }

    public void Dispose() => run.Dispose();

    private async Task<string?> DriveAsync()
    {
        var input = run.Environment.Serializer.DecodeInput(run.Work.Input, definition.InputType);
        var body = definition.Open(input, new WorkflowContext(run.Facts));
        run.Facts.Reached(0);
        while (await body.MoveNextAsync().ConfigureAwait(false) && run.Broken is null && body.Step is { } step)
        {
            step.Bind(run);
            if (Continuation.Of(step) is not null)
            {
                return Rest("continues as new");
            }

            var end = await steps.ExecuteAsync(step, new StepPlace(new Slots(next), run.Steps, run.Facts)).ConfigureAwait(false);
            next += step.Slots;
            run.Facts.Reached(next);
            switch (end)
            {
                case StepEnd.Broken:
                    return run.Broken!.Message;
                case StepEnd.Stopped when step is IParallelStep:
                    // The step's last number is known only when its branches have ended. What was recorded of them has matched.
                    return null;
                case StepEnd.Stopped:
                    return Rest($"would run '{step.Name}', which is not recorded,");
                case StepEnd.Failed when !step.Tolerant:
                    return Rest("fails");
            }
        }

        return run.Broken?.Message ?? Rest("ends");
    }

    // Checks that this code can undo what an earlier run has begun to undo, newest step first.
    private string? NotUndone()
    {
        var undoing = new Undoing(run, steps);
        if (undoing.Begun is not { } begun)
        {
            return null;
        }

        var sequences = undoing.ReadSequences();
        if (!run.Undos.Holds(sequences))
        {
            return $"The history of workflow '{run.Work.Id}' has begun to undo steps at position {begun.Sequence}, and not each of them "
                + "can be undone by this code.";
        }

        run.History.End = int.MaxValue;
        var undos = run.Undos.NewestFirst().Where(undo => sequences.Contains(undo.Sequence)).Select(UndoStep.Of);
        var conflict = undos.Index().FirstOrDefault(
            undo => !steps.Records.TryMatch(begun.Sequence + 1 + undo.Index, RecordedKind.Run, undo.Item.Name, out _));
        return conflict.Item is null ? null : run.Broken!.Message;
    }

    private string? Rest(string what) => highest < next ? null
        : $"The code {what} before position {next}, but the history of workflow '{run.Work.Id}' holds "
            + $"'{run.History.At(highest)!.Name}' at position {highest}.";

    private static Checkpointer Refusing() => new(new RefusingCommits(), lanes: 1, CancellationToken.None);

    private static InvalidOperationException Refusal() => new("Something was to be written in a replay that only looks.");

    private sealed class RefusingCommits : ICommitStore
    {
        public ValueTask<IReadOnlyList<CommitResult>> CommitAsync(IReadOnlyList<CommitUnit> batch, CancellationToken cancellationToken) =>
            throw Refusal();

        public ValueTask<CommitResult> CommitWaitingAsync(CommitUnit unit, CancellationToken cancellationToken) => throw Refusal();
    }

    private sealed class RefusingStarter : IChildStarter
    {
        public Task<CommitResult> StartAsync(ChildStart start) => throw Refusal();

        public Task<CommitResult> DebounceAsync(ChildStart start, Model.DebounceCall call) => throw Refusal();
    }
}
