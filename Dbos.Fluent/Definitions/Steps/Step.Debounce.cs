using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>
    /// Starts a workflow once a key has been quiet for a period: each further call with the key postpones the start and replaces the input.
    /// </summary>
    /// <remarks>
    /// The call and its record are one transaction, so a crash neither loses nor repeats it; a replay returns the recorded handle and moves
    /// no start. The workflow does not inherit the caller's deadline. It is the caller's child as long as nobody else calls with the key
    /// before it starts. So a cancel or deletion of one caller with its children does not affect what others have called for. Once the
    /// workflow has started, the next call begins another.
    /// </remarks>
    /// <param name="definition">The workflow to start.</param>
    /// <param name="key">The key that groups calls, among those of this definition and queue.</param>
    /// <param name="period">How long the key must be quiet; zero starts the workflow at once.</param>
    /// <param name="input">The input, unless a later call replaces it.</param>
    /// <param name="atMost">
    /// The longest time from the first call to the start; the first call's value counts. Null, the default: no limit while calls continue.
    /// </param>
    /// <param name="options">How the workflow is started; without delay and deduplication id. Null for the defaults.</param>
    /// <typeparam name="TIn">The workflow's input type.</typeparam>
    /// <typeparam name="TOut">The workflow's result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is a handle to the workflow that will run.</returns>
    /// <exception cref="ArgumentException">The key is not a valid name, or the options do not go together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="period"/> is negative, <paramref name="atMost"/> is zero or negative, or either is over a hundred years.
    /// </exception>
    public static Step<WorkflowHandle<TOut>> Debounce<TIn, TOut>(
        WorkflowDefinition<TIn, TOut> definition,
        string key,
        TimeSpan period,
        TIn input,
        TimeSpan? atMost = null,
        StartOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        var given = options ?? new StartOptions();
        return new DebounceStep<TOut>(definition, input, given, new DebounceCall(key, period, atMost, given));
    }
}
