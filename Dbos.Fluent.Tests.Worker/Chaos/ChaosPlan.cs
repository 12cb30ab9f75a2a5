namespace Dbos.Fluent.Tests.Worker.Chaos;

/// <summary>What can happen in a chaos run; each of it happens at least once.</summary>
internal enum ChaosFaultKind
{
    Killed,
    Frozen,
    FrozenPastLease,
    ConnectionsCut,
    NetworkSilent,
    AnswersSwallowed,
    ConnectionsRefused,
    ConnectionsTerminated,
    ServerRestarted,
    ClockJumped,
}

/// <summary>Which fault comes next: one of each kind first, in an order that the seed chooses, and then any.</summary>
/// <remarks>
/// A kind is owed until it has happened, as the process that it was meant for may just not be there. The server's restarts and the jumps
/// of clocks have times of their own, and are only counted here.
/// </remarks>
internal sealed class ChaosPlan
{
    private readonly Random random;
    private readonly List<ChaosFaultKind> owed;
    private readonly SortedDictionary<ChaosFaultKind, int> counts = [];

    public ChaosPlan(int seed)
    {
        random = new Random(seed);
        owed = [.. Drawn];
        random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(owed));
    }

    /// <summary>What is struck when it is drawn.</summary>
    public static IReadOnlyList<ChaosFaultKind> Drawn { get; } =
        [.. Enum.GetValues<ChaosFaultKind>().Except([ChaosFaultKind.ServerRestarted, ChaosFaultKind.ClockJumped])];

    /// <summary>What has not happened yet: a run without it proves nothing about it.</summary>
    public IReadOnlyList<ChaosFaultKind> Missing => [.. Enum.GetValues<ChaosFaultKind>().Where(kind => !counts.ContainsKey(kind))];

    /// <summary>What has happened, and how often.</summary>
    public string Summary => string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"));

    /// <summary>The next fault.</summary>
    /// <param name="slots">Among how many processes one is chosen.</param>
    public ChaosFault Next(int slots)
    {
        // All draws are made whatever they are for, so that the seed gives the same faults though some come at other moments.
        var (kind, slot, extent) = (Any(random.Next(12)), random.Next(slots), random.NextDouble());
        return owed is [var first, ..] ? new(first, slot, extent, IsOwed: true) : new(kind, slot, extent, IsOwed: false);
    }

    /// <summary>A random while, up to a limit.</summary>
    public TimeSpan Gap(TimeSpan atMost) => atMost * random.NextDouble();

    /// <summary>It has happened, so many times.</summary>
    public void Happened(ChaosFaultKind kind, int times = 1)
    {
        if (times > 0)
        {
            counts[kind] = counts.GetValueOrDefault(kind) + times;
            owed.Remove(kind);
        }
    }

    private static ChaosFaultKind Any(int drawn) => drawn switch
    {
        < 2 => ChaosFaultKind.ConnectionsTerminated,
        < 5 => ChaosFaultKind.Killed,
        < 7 => ChaosFaultKind.Frozen,
        < 8 => ChaosFaultKind.FrozenPastLease,
        8 => ChaosFaultKind.ConnectionsCut,
        9 => ChaosFaultKind.NetworkSilent,
        10 => ChaosFaultKind.AnswersSwallowed,
        _ => ChaosFaultKind.ConnectionsRefused,
    };
}

/// <summary>One fault.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Slot">The number of the process that it is meant for.</param>
/// <param name="Extent">How long it lasts or how much it strikes, from 0 to 1.</param>
/// <param name="IsOwed">True if none of its kind has happened yet, so that it strikes another process if that one is not there.</param>
internal readonly record struct ChaosFault(ChaosFaultKind Kind, int Slot, double Extent, bool IsOwed);
