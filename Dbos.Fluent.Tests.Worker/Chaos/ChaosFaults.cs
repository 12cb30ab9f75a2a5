using System.Globalization;
using Dbos.Fluent.Tests.Worker.Servers;
using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>Strikes processes, connections and the server at random, one fault after another; some last while the next ones come.</summary>
internal sealed class ChaosFaults(ChaosOptions options, PostgresServer server, IReadOnlyList<ChaosSlot> slots, Action<string> log)
    : IAsyncDisposable
{
    private const int RestartEvery = 10;
    private static readonly TimeSpan LongestGap = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan LongestOutage = TimeSpan.FromMilliseconds(800);

    private static readonly TimeSpan LaunchLimit = TimeSpan.FromSeconds(20);
    private static readonly string[] Kinds = ["connections terminated", "cut off", "frozen", "killed", "server restarted"];

    private readonly Random random = new(options.Seed);
    private readonly Dictionary<ChaosSlot, Task> lasting = [];
    private readonly SortedDictionary<string, int> counts = new(StringComparer.Ordinal);
    private readonly long began = TimeProvider.System.GetTimestamp();
    private TimeSpan lastRestart;

    /// <summary>The kinds of faults of which none has happened: a run without them proves nothing about them.</summary>
    public IReadOnlyList<string> Missing =>
        [.. Kinds.Where(kind => !counts.Keys.Any(fault => fault.StartsWith(kind, StringComparison.Ordinal)))];

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(began);

    /// <summary>Lets faults happen for as long as the run is to last.</summary>
    public async Task StrikeAsync(CancellationToken cancellationToken)
    {
        while (Elapsed < options.Duration)
        {
            await MomentAsync(LongestGap, cancellationToken);

            await ReplaceEndedAsync();

            // All draws are made whatever they are for, so that the seed gives the same faults though some come at other moments. A process
            // that is still starting is left alone: on a slow machine nothing else would ever happen.
            var (which, slot) = (random.Next(12), slots[random.Next(slots.Count)]);
            var (share, extent) = (random.NextDouble(), random.NextDouble());
            if (Elapsed - lastRestart > TimeSpan.FromSeconds(RestartEvery))
            {
                await RestartAsync(cancellationToken);
            }
            else if (which < 2)
            {
                await TerminateAsync(share, cancellationToken);
            }
            else if (!Lasts(slot) && slot.Process.HasLaunched)
            {
                lasting[slot] = which switch
                {
                    < 5 => KillAsync(slot, extent, cancellationToken),
                    < 8 => PauseAsync(slot, share < 0.4, extent, cancellationToken),
                    _ => CutAsync(slot, (ProxyMode)(int)(share * 4), extent, cancellationToken),
                };
            }
        }

        await Task.WhenAll(lasting.Values);
        foreach (var kind in Missing)
        {
            await MakeUpAsync(kind, cancellationToken);
        }

        log("faults: " + string.Join(", ", counts.Select(count => $"{count.Value} {count.Key}")));
    }

    /// <summary>Ends what still lasts.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var fault in lasting.Values)
        {
            await fault.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A launch that finds no database ends its process, and whoever started it starts another: here as in production.
    private async Task ReplaceEndedAsync()
    {
        foreach (var slot in slots.Where(slot => !Lasts(slot) && slot.Process.HasEnded))
        {
            Count("ended by itself");
            await slot.ReplaceAsync();
        }
    }

    // Chance, and processes that take long to start, may have left a kind out.
    private async Task MakeUpAsync(string kind, CancellationToken cancellationToken)
    {
        for (var since = Elapsed; !slots.Any(slot => slot.Process.HasLaunched) && Elapsed - since < LaunchLimit;)
        {
            await MomentAsync(LongestGap, cancellationToken);
            await ReplaceEndedAsync();
        }

        if (slots.FirstOrDefault(slot => slot.Process.HasLaunched) is { } struck)
        {
            await (kind switch
            {
                "connections terminated" => TerminateAsync(0.5, cancellationToken),
                "cut off" => CutAsync(struck, ProxyMode.Hang, 1, cancellationToken),
                "frozen" => PauseAsync(struck, pastLease: true, 1, cancellationToken),
                "killed" => KillAsync(struck, 0, cancellationToken),
                _ => RestartAsync(cancellationToken),
            });
        }
    }

    private bool Lasts(ChaosSlot slot) => lasting.TryGetValue(slot, out var fault) && !fault.IsCompleted;

    private async Task KillAsync(ChaosSlot slot, double extent, CancellationToken cancellationToken)
    {
        Count("killed");
        await slot.Process.KillAsync();
        await Task.Delay(LongestOutage * extent, TimeProvider.System, cancellationToken);
        await slot.ReplaceAsync();
    }

    private async Task PauseAsync(ChaosSlot slot, bool pastLease, double extent, CancellationToken cancellationToken)
    {
        Count(pastLease ? "frozen past the lease" : "frozen");
        await slot.Process.PauseAsync();
        var length = pastLease ? ChaosOptions.Lease + (2 * LongestOutage * extent) : LongestOutage * extent;
        try
        {
            await Task.Delay(length, TimeProvider.System, cancellationToken);
        }
        finally
        {
            await slot.Process.ContinueAsync();
        }
    }

    private async Task CutAsync(ChaosSlot slot, ProxyMode mode, double extent, CancellationToken cancellationToken)
    {
        Count($"cut off ({mode})");
        slot.Proxy.Mode = mode;
        try
        {
            await Task.Delay(LongestOutage * extent, TimeProvider.System, cancellationToken);
        }
        finally
        {
            slot.Proxy.Cut();
            slot.Proxy.Mode = ProxyMode.Forward;
        }
    }

    private async Task TerminateAsync(double share, CancellationToken cancellationToken)
    {
        Count("connections terminated");
        await PostgresServer.ExecuteAsync(
            server.ConnectionString,
            string.Create(CultureInfo.InvariantCulture, $"""
                SELECT pg_terminate_backend(pid)
                  FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < {share}
                """),
            cancellationToken);
    }

    private async Task RestartAsync(CancellationToken cancellationToken)
    {
        Count("server restarted");
        await server.RestartAsync(immediate: true, cancellationToken);
        NpgsqlConnection.ClearAllPools();
        lastRestart = Elapsed;
    }

    private Task MomentAsync(TimeSpan atMost, CancellationToken cancellationToken) =>
        Task.Delay(atMost * random.NextDouble(), TimeProvider.System, cancellationToken);

    private void Count(string fault) => counts[fault] = counts.GetValueOrDefault(fault) + 1;
}
