using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Makes calls of the store for a caller, until the client or engine stops.</summary>
internal sealed class CallGuard : IAsyncDisposable
{
    private readonly CancellationTokenSource stopped = new();
    private readonly bool isEngine;

    /// <param name="isEngine">True for an engine, false for a client, which exceptions call by its name.</param>
    public CallGuard(bool isEngine) => (this.isEngine, Stopped) = (isEngine, stopped.Token);

    /// <summary>Fires when everything that waits for the database must give up.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>Makes one call of the store, and again while the database cannot be reached.</summary>
    /// <param name="doing">What the caller wants, in the words of an exception.</param>
    /// <param name="call">The call; it learns how often it was tried before.</param>
    /// <param name="cancellationToken">The caller's.</param>
    /// <exception cref="EngineNotRunningException">It was stopped, before or meanwhile.</exception>
    public Task<T> RepeatAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatAsync(failures => call(failures, token), token), cancellationToken);

    /// <summary>The same for a call that may be of any size: it ends after several tries in a row without an answer in time.</summary>
    /// <exception cref="StoreUnavailableException">Each try took too long.</exception>
    public Task<T> RepeatInTimeAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatInTimeAsync(doing, failures => call(failures, token), token), cancellationToken);

    /// <summary>Uses the store without repeating anything.</summary>
    /// <exception cref="EngineNotRunningException">
    /// It was stopped, before or meanwhile: whatever that does to a call half way, this is what its caller sees.
    /// </exception>
    public async Task<T> UseAsync<T>(string doing, Func<CancellationToken, Task<T>> use, CancellationToken cancellationToken)
    {
        ThrowIfStopped(doing);

        // What is written is not taken back: a caller who has given up already must find nothing done.
        cancellationToken.ThrowIfCancellationRequested();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Stopped);
        try
        {
            return await use(either.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException
            || (exception is ObjectDisposedException && (Stopped.IsCancellationRequested || cancellationToken.IsCancellationRequested)))
        {
            // Not the linked token: it is told a moment after its sources, and the store may have seen one of those. What is to be written
            // is refused already a moment before the engine has stopped.
            cancellationToken.ThrowIfCancellationRequested();
            throw NotRunning(doing);
        }
    }

    public void ThrowIfStopped(string doing)
    {
        if (Stopped.IsCancellationRequested)
        {
            throw NotRunning(doing);
        }
    }

    /// <summary>What callers are thrown once it has stopped.</summary>
    /// <param name="doing">What the caller wanted.</param>
    /// <param name="remedy">What the caller can do, as a sentence with a space behind it.</param>
    public EngineNotRunningException NotRunning(string doing, string remedy = "") => new(doing, isEngine, remedy);

    /// <summary>Ends all calls under way with <see cref="EngineNotRunningException"/>, and refuses later ones.</summary>
    public Task StopAsync() => stopped.CancelAsync();

    public ValueTask DisposeAsync()
    {
        stopped.Dispose();
        return ValueTask.CompletedTask;
    }
}
