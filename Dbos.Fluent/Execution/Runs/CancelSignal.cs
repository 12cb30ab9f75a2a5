using Dbos.Fluent.Model;

namespace Dbos.Fluent.Execution;

/// <summary>A cancellation token that knows why it fired. The first reason stays. A parent that fires also fires its children.</summary>
internal sealed class CancelSignal : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly CancelSignal? parent;
    private Task? callbacks;
    private int reason;

    public CancelSignal(CancelSignal? parent = null)
    {
        this.parent = parent;
        source = parent is null ? new CancellationTokenSource() : CancellationTokenSource.CreateLinkedTokenSource(parent.Token);
        Token = source.Token;
    }

    public CancellationToken Token { get; }

    public bool IsFired => Token.IsCancellationRequested;

    public CancellationReason Reason => (CancellationReason)Volatile.Read(ref reason) is var own and not CancellationReason.None
        ? own
        : parent?.Reason ?? CancellationReason.None;

    /// <summary>Fires once. Callbacks run on the thread pool, so that a step's own cancellation code does not delay the caller.</summary>
    public void Fire(CancellationReason why)
    {
        if (Interlocked.CompareExchange(ref reason, (int)why, 0) == 0)
        {
            try
            {
                var running = source.CancelAsync();
                Volatile.Write(ref callbacks, running);

                // The task ends when the callbacks have run. Their exceptions are observed here and must not reach the caller.
                running.ObserveFault();
            }
            catch (ObjectDisposedException)
            {
                // The run has ended meanwhile: there is nothing left to cancel.
            }
        }
    }

    /// <summary>
    /// Detaches from the parent. A signal that has fired is disposed after its callbacks; one whose parent has fired is left to the
    /// collector. Disposal before that would drop callbacks, and code that waits for the token would wait forever.
    /// </summary>
    public void Dispose()
    {
        if (Reason == CancellationReason.None)
        {
            source.Dispose();
        }
        else if (Volatile.Read(ref callbacks) is { } running)
        {
            _ = running.ContinueWith(
                static (_, state) => ((CancellationTokenSource)state!).Dispose(),
                source,
                CancellationToken.None,
                TaskContinuationOptions.None,
                TaskScheduler.Default);
        }
    }
}
