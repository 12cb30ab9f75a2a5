namespace Dbos.Fluent.Definitions;

/// <summary>One run of a workflow's code, driven step by step.</summary>
/// <remarks>Disposing runs the body's <c>finally</c> blocks; a run that is only unloaded from memory is dropped without it.</remarks>
internal interface IWorkflowBody : IAsyncDisposable
{
    /// <summary>The step just yielded; null if the result was yielded.</summary>
    Step? Step { get; }

    /// <summary>The result just yielded.</summary>
    object? Result { get; }

    /// <summary>
    /// True if it is certain that only the end follows the step just yielded, with no code before it except, at most, the selector of the
    /// result.
    /// </summary>
    bool IsAtItsEnd { get; }

    /// <summary>Runs the code up to its next yield.</summary>
    /// <returns>False if the code ended without yielding a result.</returns>
    ValueTask<bool> MoveNextAsync();
}
