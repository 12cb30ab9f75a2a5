namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that can be undone.</summary>
internal interface ICompensableStep
{
    /// <summary>Undoes the step, given its decoded result; null if nothing is to be undone.</summary>
    Func<StepContext, object?, Task>? Undo { get; }
}

/// <summary>Converts both forms of an undo to the one that execution calls.</summary>
internal static class Compensation
{
    public static Func<StepContext, object?, Task> Of(Func<StepContext, Task> undo, string stepName)
    {
        ArgumentNullException.ThrowIfNull(undo);
        return (context, _) => undo(context) ?? throw NoTask(stepName);
    }

    public static Func<StepContext, object?, Task> Of<T>(Func<StepContext, T, Task> undo, string stepName)
    {
        ArgumentNullException.ThrowIfNull(undo);
        return (context, result) => undo(context, Read<T>(result)) ?? throw NoTask(stepName);
    }

    /// <summary>
    /// Converts the modifiers of a list of steps to those of one step: its undo gets a list with only that step's result.
    /// </summary>
    public static RunStepOptions ForOne<T>(RunStepOptions options) => options.Undo is { } undo
        ? options with { Undo = (context, result) => undo(context, result is UnreadableResult ? result : new[] { (T)result! }) }
        : options;

    public static string NotFor(string stepName) =>
        $"Step '{stepName}' takes no CompensateWith: it is for steps with a body of your own (Step, ForEach, Step.Run) and for Call.";

    private static T Read<T>(object? result) => result is UnreadableResult unreadable ? throw unreadable.Read() : (T)result!;

    private static InvalidOperationException NoTask(string stepName) =>
        new($"The undo of step '{stepName}' returned null instead of a task: return Task.CompletedTask if there is nothing to await.");
}

/// <summary>Replaces the result of an undone step if it cannot be decoded: an undo that does not read the result needs none.</summary>
/// <param name="Read">Makes the exception that reading the result throws.</param>
internal sealed record UnreadableResult(Func<Exception> Read);
