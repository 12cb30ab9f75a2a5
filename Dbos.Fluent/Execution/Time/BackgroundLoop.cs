namespace Dbos.Fluent.Execution;

/// <summary>Repeats a turn in the background until it is stopped. A turn that fails is reported, and does not end the loop.</summary>
/// <remarks>Its rest is on the system clock: a failure is real whatever time the workflows live in.</remarks>
internal sealed class BackgroundLoop : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private Task running = Task.CompletedTask;

    public BackgroundLoop() => Stopping = stopping.Token;

    /// <summary>Cancelled when the loop is stopped. It can be read before the start and after the disposal, too.</summary>
    public CancellationToken Stopping { get; }

    /// <summary>Starts the loop; once stopped, it does not start any more.</summary>
    /// <param name="turn">One turn, with its own wait for the next or for what brings it; it gets <see cref="Stopping"/>.</param>
    /// <param name="failed">Reports why a turn failed.</param>
    /// <param name="rest">How long to rest after a failed turn; zero if the turn begins with a wait.</param>
    public void Start(Func<CancellationToken, Task> turn, Action<Exception> failed, TimeSpan rest) =>
        running = Task.Run(() => RunAsync(turn, failed, rest));

    /// <summary>Cancels the turn under way and waits until it has ended.</summary>
    public async Task StopAsync()
    {
        if (!Stopping.IsCancellationRequested)
        {
            await stopping.CancelAsync().ConfigureAwait(false);
        }

        await running.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private async Task RunAsync(Func<CancellationToken, Task> turn, Action<Exception> failed, TimeSpan rest)
    {
        while (!Stopping.IsCancellationRequested)
        {
            try
            {
                await turn(Stopping).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // If the loop ended, nobody would do its work or notice that. The next turn is the retry, whatever the error.
                failed(exception);
                await Task.Delay(rest, TimeProvider.System, Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
