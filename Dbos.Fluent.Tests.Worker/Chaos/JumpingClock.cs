namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// A clock of one process that jumps back and forth while its timers run on. It stands for a clock that was set: the machine's own cannot
/// be moved here, as the database server and every other process share it.
/// </summary>
/// <remarks>
/// It is off by a few seconds at most: a durable sleep ends at the moment that was stored, so one that was begun an hour ahead would
/// rightly end an hour later.
/// </remarks>
internal sealed class JumpingClock(int seed) : TimeProvider, IAsyncDisposable
{
    private static readonly TimeSpan Furthest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1.5);

    private readonly Random random = new(seed);
    private readonly CancellationTokenSource stop = new();
    private long offset;
    private Task jumping = Task.CompletedTask;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref offset));

    /// <summary>Jumps from now on, at random moments.</summary>
    public void Start() => jumping = JumpAsync();

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await jumping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task JumpAsync()
    {
        while (true)
        {
            Interlocked.Exchange(ref offset, (long)(Furthest.Ticks * ((2 * random.NextDouble()) - 1)));
            await Task.Delay(Interval * (0.2 + random.NextDouble()), System, stop.Token);
        }
    }
}
