using System.Threading.Channels;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>Takes signals as they come, so that a test can wait for each.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly Channel<StoreSignal> heard = Channel.CreateUnbounded<StoreSignal>();
    private readonly CancellationTokenSource stop = new();
    private Task listening = Task.CompletedTask;

    public bool Ended => listening.IsCompleted;

    public static Listener To(IStore store)
    {
        var listener = new Listener();
        listener.listening = listener.ListenAsync(store);
        return listener;
    }

    public Task<StoreSignal> NextAsync() =>
        heard.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().Within(Bounded.Limit, "a signal");

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await listening;
        stop.Dispose();
    }

    private async Task ListenAsync(IStore store)
    {
        try
        {
            await foreach (var signal in store.Signals.ListenAsync(stop.Token))
            {
                heard.Writer.TryWrite(signal);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Ending in this way is ending, too.
        }
    }
}
