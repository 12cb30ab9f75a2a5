using System.Globalization;
using Dbos.Fluent.Tests.Worker.Servers;
using Npgsql;

namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>
/// Strikes processes, connections and the server at random, one fault after another; some last while the next ones come. Each kind of
/// fault strikes at least once.
/// </summary>
internal sealed class ChaosFaults(
    ChaosOptions options, PostgresServer server, IReadOnlyList<ChaosSlot> slots, ChaosQueueWatch watch, Action<string> log)
    : IAsyncDisposable
{
    private const int RestartEvery = 10;
    private static readonly TimeSpan LongestGap = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan LongestOutage = TimeSpan.FromMilliseconds(800);

    private static readonly TimeSpan MakeUpLimit = TimeSpan.FromSeconds(60);

    private readonly ChaosPlan plan = new(options.Seed);
    private readonly Dictionary<ChaosSlot, Task> lasting = [];
    private readonly long began = TimeProvider.System.GetTimestamp();
    private TimeSpan lastRestart;
    private int clockJumps;
    private int endedByThemselves;

    /// <summary>The kinds of faults of which none has happened; empty unless no process came up any more.</summary>
    public IReadOnlyList<ChaosFaultKind> Missing => plan.Missing;

    private TimeSpan Elapsed => TimeProvider.System.GetElapsedTime(began);

    /// <summary>Lets faults happen for as long as the run is to last, and then those of which none has happened by chance.</summary>
    public async Task StrikeAsync(CancellationToken cancellationToken)
    {
        while (Elapsed < options.Duration)
        {
            await NextMomentAsync(cancellationToken);
            var fault = plan.Next(slots.Count);
            if (Elapsed - lastRestart > TimeSpan.FromSeconds(RestartEvery))
            {
                await RestartAsync(cancellationToken);
            }
            else
            {
                await BeginAsync(fault, cancellationToken);
            }
        }

        await MakeUpAsync(cancellationToken);
        await Task.WhenAll(lasting.Values);
        log($"faults: {plan.Summary}; {endedByThemselves} processes ended by themselves");
    }

    /// <summary>Ends what still lasts.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var fault in lasting.Values)
        {
            await fault.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task NextMomentAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(plan.Gap(LongestGap), TimeProvider.System, cancellationToken);
        await watch.LookAsync(cancellationToken);

        // A launch that finds no database ends its process, and whoever started it starts another: here as in production.
        foreach (var slot in slots.Where(slot => !Lasts(slot) && slot.Process.HasEnded))
        {
            endedByThemselves++;
            await slot.ReplaceAsync();
        }

        var jumps = slots.Sum(slot => slot.ClockJumps);
        plan.Happened(ChaosFaultKind.ClockJumped, jumps - clockJumps);
        clockJumps = jumps;
    }

    // Processes that take long to start may have left a kind out. Clocks jump by themselves as soon as an engine runs.
    private async Task MakeUpAsync(CancellationToken cancellationToken)
    {
        for (var since = Elapsed; Missing.Count > 0 && Elapsed - since < MakeUpLimit;)
        {
            await NextMomentAsync(cancellationToken);
            if (Missing.Contains(ChaosFaultKind.ServerRestarted))
            {
                await RestartAsync(cancellationToken);
            }
            else if (plan.Next(slots.Count) is { IsOwed: true } fault)
            {
                await BeginAsync(fault, cancellationToken);
            }
        }
    }

    private async Task BeginAsync(ChaosFault fault, CancellationToken cancellationToken)
    {
        if (fault.Kind == ChaosFaultKind.ConnectionsTerminated)
        {
            await TerminateAsync(fault.Extent, cancellationToken);
            plan.Happened(fault.Kind);
        }
        else if (Target(fault) is { } slot)
        {
            plan.Happened(fault.Kind);
            lasting[slot] = StrikeAsync(slot, fault, cancellationToken);
        }
    }

    // A process that is still starting is left alone: on a slow machine nothing else would ever happen.
    private ChaosSlot? Target(ChaosFault fault) => CanStrike(slots[fault.Slot]) ? slots[fault.Slot]
        : fault.IsOwed ? slots.FirstOrDefault(CanStrike) : null;

    private bool CanStrike(ChaosSlot slot) => !Lasts(slot) && slot.Process.HasLaunched && !slot.Process.HasEnded;

    private bool Lasts(ChaosSlot slot) => lasting.TryGetValue(slot, out var fault) && !fault.IsCompleted;

    private static Task StrikeAsync(ChaosSlot slot, ChaosFault fault, CancellationToken cancellationToken)
    {
        var outage = LongestOutage * fault.Extent;
        return fault.Kind switch
        {
            ChaosFaultKind.Killed => KillAsync(slot, outage, cancellationToken),
            ChaosFaultKind.Frozen => PauseAsync(slot, outage, cancellationToken),
            ChaosFaultKind.FrozenPastLease => PauseAsync(slot, ChaosOptions.Lease + (2 * outage), cancellationToken),
            ChaosFaultKind.ConnectionsCut => CutAsync(slot, ProxyMode.Forward, outage, cancellationToken),
            ChaosFaultKind.NetworkSilent => CutAsync(slot, ProxyMode.Hang, outage, cancellationToken),
            ChaosFaultKind.AnswersSwallowed => CutAsync(slot, ProxyMode.SwallowAnswers, outage, cancellationToken),
            ChaosFaultKind.ConnectionsRefused => CutAsync(slot, ProxyMode.Refuse, outage, cancellationToken),
            _ => throw new System.Diagnostics.UnreachableException($"{fault.Kind} does not strike a process."),
        };
    }

    private static async Task KillAsync(ChaosSlot slot, TimeSpan outage, CancellationToken cancellationToken)
    {
        await slot.Process.KillAsync();
        await Task.Delay(outage, TimeProvider.System, cancellationToken);
        await slot.ReplaceAsync();
    }

    private static async Task PauseAsync(ChaosSlot slot, TimeSpan length, CancellationToken cancellationToken)
    {
        await slot.Process.PauseAsync();
        try
        {
            await Task.Delay(length, TimeProvider.System, cancellationToken);
        }
        finally
        {
            await slot.Process.ContinueAsync();
        }
    }

    private static async Task CutAsync(ChaosSlot slot, ProxyMode mode, TimeSpan outage, CancellationToken cancellationToken)
    {
        slot.Proxy.Mode = mode;
        try
        {
            await Task.Delay(outage, TimeProvider.System, cancellationToken);
        }
        finally
        {
            slot.Proxy.Cut();
            slot.Proxy.Mode = ProxyMode.Forward;
        }
    }

    private Task TerminateAsync(double share, CancellationToken cancellationToken) => PostgresServer.ExecuteAsync(
        server.ConnectionString,
        string.Create(CultureInfo.InvariantCulture, $"""
            SELECT pg_terminate_backend(pid)
              FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < {share}
            """),
        cancellationToken);

    private async Task RestartAsync(CancellationToken cancellationToken)
    {
        await server.RestartAsync(immediate: true, cancellationToken);
        NpgsqlConnection.ClearAllPools();
        plan.Happened(ChaosFaultKind.ServerRestarted);
        lastRestart = Elapsed;
    }
}
