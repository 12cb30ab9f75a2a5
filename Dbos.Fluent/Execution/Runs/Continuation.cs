using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>Takes a workflow to its next generation.</summary>
internal static class Continuation
{
    /// <summary>Returns the step if it ends this generation; null for any other step.</summary>
    // A method, because CA1508 reports a pattern in the loop over a body's steps as always false.
    public static ContinueAsNewStep? Of(Step step) => step as ContinueAsNewStep;

    /// <summary>Encodes the next input in the format of the row.</summary>
    /// <exception cref="InvalidOperationException">The input's type is not the definition's input type.</exception>
    /// <exception cref="SerializationFailedException">The input cannot be stored.</exception>
    public static Payload Encode(RunScope run, WorkflowDefinition definition, ContinueAsNewStep step)
    {
        if (step.InputType != definition.InputType)
        {
            throw new InvalidOperationException(
                $"Workflow '{definition.Name}' ({run.Work.Id}) takes a {definition.InputType.Name} and was to continue as new with a "
                    + $"{step.InputType.Name}: give ContinueAsNew the definition's input type.");
        }

        return run.Environment.Serializer.EncodeInput(
            step.Input, step.InputType, PayloadSerializer.FormatOf(run.Work.Input.Format));
    }

    /// <summary>Stores the next generation, unless another executor has the workflow by now.</summary>
    public static async Task<RunEnd> StoreAsync(RunScope run, Payload input)
    {
        var work = run.Work;
        var generation = work.Generation + 1;

        // The clock that the body sees must not go back.
        var origin = work.Origin.Next(generation, Math.Max(run.Environment.Clock.NowMs, run.Facts.NowMs));
        var token = Guid.CreateVersion7().ToString();
        var unit = new ContinueUnit(run.Owner, work.Generation, input.Text, origin, token);
        var next = work with
        {
            Token = token,
            Input = input with { Format = work.Input.Format },
            Generation = generation,
            Origin = origin,
            Attempt = 1,
        };

        // The code that begins the next generation lets its token go.
        run.Environment.InHand.Hold(token, after: work.Token);
        var end = RunEnd.Lost;
        try
        {
            var result = await run.Environment.Checkpointer.WriteOwnAsync(unit, run.Environment.Lease).ConfigureAwait(false);
            return end = result.Status == CommitStatus.Written
                ? new RunEnd(Outcome: null, next with { DeadlineMs = result.DeadlineMs })
                : end;
        }
        catch (OperationCanceledException)
        {
            return end;
        }
        finally
        {
            if (end.Next is null)
            {
                run.Environment.InHand.LetGo(token);
            }
        }
    }
}
