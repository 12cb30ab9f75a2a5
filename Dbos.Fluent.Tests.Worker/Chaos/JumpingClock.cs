namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// A clock of one process that jumps back and forth while its timers run on. It stands for a clock that was set: the machine's own cannot
/// be moved here, as the database server and every other process share it.
/// </summary>
/// <remarks>
/// It is off by a few seconds at most: a durable sleep ends at the moment that was stored, so one that was begun an hour ahead would
/// rightly end an hour later.
/// </remarks>
/// <param name="seed">Chooses the jumps.</param>
/// <param name="jumped">Called after each jump.</param>
internal sealed class JumpingClock(int seed, Func<TimeSpan, Task> jumped) : TimeProvider, IAsyncDisposable
{
    private static readonly TimeSpan Furthest = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(0.5);
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
            var before = TimeSpan.FromTicks(Interlocked.Read(ref offset));
            var after = Next(before);
            Interlocked.Exchange(ref offset, after.Ticks);
            await jumped(after - before);
            await Task.Delay(Interval * (0.2 + random.NextDouble()), System, stop.Token);
        }
    }

    // Where chance leaves the clock nearly as it is, it goes on towards the right time, or beyond.
    private TimeSpan Next(TimeSpan before)
    {
        var drawn = Furthest * ((2 * random.NextDouble()) - 1);
        return (drawn - before).Duration() >= Shortest ? drawn
            : drawn > TimeSpan.Zero ? drawn - (2 * Shortest) : drawn + (2 * Shortest);
    }
}
