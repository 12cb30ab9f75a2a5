using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>Makes the step that undoes another.</summary>
internal static class UndoStep
{
    /// <remarks>The step's retries and timeout also apply to its undo: both talk to the same service.</remarks>
    public static RunStep<Unit> Of(Undo undo)
    {
        var options = undo.Step is IRunStep { Options: var given } ? given with { Undo = null } : RunStepOptions.Default;
        return RunStep<Unit>.Undoing(undo.Step.Name, context => undo.Body(context, undo.Result), options);
    }
}
