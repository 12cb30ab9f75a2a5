using Dbos.Fluent.Storage;

namespace Dbos.Fluent;

/// <summary>Makes calls to the store for a caller, until the client or engine stops.</summary>
internal sealed class CallGuard : IAsyncDisposable
{
    private readonly CancellationTokenSource stopped = new();
    private readonly bool isEngine;

    /// <param name="isEngine">True for an engine, false for a client; exceptions name the one that stopped.</param>
    public CallGuard(bool isEngine) => (this.isEngine, Stopped) = (isEngine, stopped.Token);

    /// <summary>Is cancelled when everything that waits for the database must stop.</summary>
    public CancellationToken Stopped { get; }

    /// <summary>Makes one call to the store, and retries it while the database cannot be reached.</summary>
    /// <param name="doing">What the caller wants, worded for an exception message.</param>
    /// <param name="call">The call; it gets the number of earlier tries.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    /// <exception cref="EngineNotRunningException">The client or engine was stopped, before or during the call.</exception>
    public Task<T> RepeatAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatAsync(failures => call(failures, token), token), cancellationToken);

    /// <summary>The same for a call of any size: it fails after several tries in a row without an answer in time.</summary>
    /// <exception cref="StoreUnavailableException">Every try took too long.</exception>
    public Task<T> RepeatInTimeAsync<T>(string doing, Func<int, CancellationToken, Task<T>> call, CancellationToken cancellationToken) =>
        UseAsync(doing, token => StoreBackoff.RepeatInTimeAsync(doing, failures => call(failures, token), token), cancellationToken);

    /// <summary>Uses the store without retries.</summary>
    /// <exception cref="EngineNotRunningException">
    /// The client or engine was stopped, before or during the call. The caller sees this whatever error the stop causes.
    /// </exception>
    public async Task<T> UseAsync<T>(string doing, Func<CancellationToken, Task<T>> use, CancellationToken cancellationToken)
    {
        ThrowIfStopped(doing);

        // Writes are not undone, so a call whose token is cancelled already must do nothing.
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
            // Not the linked token: it is cancelled slightly after its sources, and the store may have seen one of those. Writes are
            // refused slightly before the engine has stopped.
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

    /// <summary>The exception for callers once the client or engine has stopped.</summary>
    /// <param name="doing">What the caller wanted.</param>
    /// <param name="remedy">What the caller can do, as a sentence with a trailing space.</param>
    public EngineNotRunningException NotRunning(string doing, string remedy = "") => new(doing, isEngine, remedy);

    /// <summary>Ends all calls under way with <see cref="EngineNotRunningException"/>, and refuses later ones.</summary>
    public Task StopAsync() => stopped.CancelAsync();

    public ValueTask DisposeAsync()
    {
        stopped.Dispose();
        return ValueTask.CompletedTask;
    }
}
