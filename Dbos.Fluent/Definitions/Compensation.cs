namespace Dbos.Fluent.Definitions;

/// <summary>Brings both forms of an undo into the one that execution calls.</summary>
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
        return (context, result) => undo(context, (T)result!) ?? throw NoTask(stepName);
    }

    private static InvalidOperationException NoTask(string stepName) =>
        new($"The undo of step '{stepName}' returned null instead of a task.");
}
