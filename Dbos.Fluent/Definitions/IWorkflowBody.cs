namespace Dbos.Fluent.Definitions;

/// <summary>One run of a workflow's code, driven step by step.</summary>
/// <remarks>Disposing runs the body's <c>finally</c> blocks; a run that only leaves memory is dropped without it.</remarks>
internal interface IWorkflowBody : IAsyncDisposable
{
    /// <summary>The step just yielded; null where the result was.</summary>
    Step? Step { get; }

    /// <summary>The result just yielded.</summary>
    object? Result { get; }

    /// <summary>
    /// True where it is known that nothing follows the step just yielded but the end, and no code that does anything: at the most what
    /// selects the result.
    /// </summary>
    bool IsAtItsEnd { get; }

    /// <summary>Runs the code to its next yield.</summary>
    /// <returns>False where the code ended without yielding a result.</returns>
    ValueTask<bool> MoveNextAsync();
}
