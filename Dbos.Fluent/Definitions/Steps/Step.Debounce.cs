using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

public abstract partial class Step
{
    /// <summary>
    /// Starts a workflow once a key has been quiet for a period: each further call of the key puts the start off and replaces the input.
    /// </summary>
    /// <remarks>
    /// The call and its record are one transaction, so a crash neither loses nor repeats it; a replay gives the handle that was recorded
    /// and moves nothing. The workflow does not inherit the caller's deadline. It is the caller's child as long as nobody else calls with
    /// the key before it starts: a cancel or a deletion of one caller with its children leaves what others have called for alone. Once it
    /// has started, the next call begins another.
    /// </remarks>
    /// <param name="definition">What to start.</param>
    /// <param name="key">What calls belong together, among those of this definition and queue.</param>
    /// <param name="period">How long the key must be quiet; zero starts it at once.</param>
    /// <param name="input">The input, unless a later call brings another.</param>
    /// <param name="atMost">
    /// How long after its first call it starts at the latest; the first call's word counts. Null, the default: as long as calls go on.
    /// </param>
    /// <param name="options">How it is started; without delay and deduplication id. Null for the defaults.</param>
    /// <typeparam name="TIn">Its input type.</typeparam>
    /// <typeparam name="TOut">Its result type.</typeparam>
    /// <returns>The descriptor, to be yielded; its result is a handle to the workflow that will run.</returns>
    /// <exception cref="ArgumentException">The key is not a name, or the options do not go together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="period"/> is negative, <paramref name="atMost"/> is not longer than zero, or one is over a hundred years.
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
