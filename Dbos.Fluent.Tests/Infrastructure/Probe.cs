using System.Threading.Channels;

namespace Dbos.Fluent.Tests.Infrastructure;

/// <summary>A place in a step at which it stands still until the test says so, and which the test can wait for.</summary>
public sealed class Probe
{
    private readonly Channel<bool> reached = Channel.CreateUnbounded<bool>();
    private readonly TaskCompletionSource opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Called by the step: reports that it is here, and waits.</summary>
    public async Task PassAsync(CancellationToken cancellationToken = default)
    {
        reached.Writer.TryWrite(true);
        await opened.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Called by the test: waits until a step is here; each passing is waited for once.</summary>
    public Task ReachedAsync() => reached.Reader.ReadAsync(TestContext.Current.CancellationToken).Within(Bounded.Limit);

    /// <summary>Lets everybody pass, now and later.</summary>
    public void Open() => opened.TrySetResult();
}
