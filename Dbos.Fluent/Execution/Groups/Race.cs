using System.Globalization;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;
using Dbos.Fluent.Serialization;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The race of the members of one <c>Any</c>: the first to finish wins, and its write says so.</summary>
/// <param name="Sequence">The number of the row that names the winner.</param>
/// <param name="StartedAtMs">When the race began.</param>
internal sealed record Race(int Sequence, long StartedAtMs) : IDisposable
{
    private readonly CancellationTokenSource won = new();

    /// <summary>Lets one member at a time commit or consume; after the winner, none does.</summary>
    public SemaphoreSlim Gate { get; } = new(1);

    /// <summary>The index of the winner; null while there is none.</summary>
    public int? Winner { get; private set; }

    /// <summary>Fires when a member has won.</summary>
    public CancellationToken Won => won.Token;

    /// <summary>Makes the row that names the winner by its index in the list, readable in every language.</summary>
    public CheckpointRow Row(int index, long nowMs) => new(Sequence, BuiltInNames.Any, StartedAtMs, nowMs)
    {
        Output = index.ToString(CultureInfo.InvariantCulture),
        Format = PayloadSerializer.PortableFormat,
    };

    /// <summary>When the winner finished.</summary>
    public long WonAtMs { get; private set; }

    public void WonBy(int index, long nowMs)
    {
        (WonAtMs, Winner) = (nowMs, index);

        // The losers are cancelled asynchronously: their cancellation code must not delay the winner.
        _ = won.CancelAsync();
    }

    public void Dispose()
    {
        won.Dispose();
        Gate.Dispose();
    }
}

/// <summary>A member of a race, or a part of one.</summary>
/// <param name="Race">The race.</param>
/// <param name="Index">The member's place in the list.</param>
/// <param name="Outer">The member of an outer race that this race is; null if races are not nested.</param>
/// <param name="IsWhole">False for a part: what it writes does not finish the member.</param>
internal sealed record RaceMember(Race Race, int Index, RaceMember? Outer, bool IsWhole = true)
{
    public RaceMember Part() => IsWhole ? this with { IsWhole = false } : this;

    /// <summary>Writes through the gate.</summary>
    /// <param name="make">Makes the unit, with the extra rows that it must hold if it finishes the member.</param>
    /// <param name="finishes">Whether the unit finishes the step that writes it.</param>
    /// <param name="write">Writes the unit.</param>
    /// <param name="now">The time.</param>
    /// <returns>The result; null if another member has won, in which case nothing was written.</returns>
    public async ValueTask<CommitResult?> CommitAsync(
        Func<IReadOnlyList<CheckpointRow>, CommitUnit> make,
        bool finishes,
        Func<CommitUnit, ValueTask<CommitResult?>> write,
        Func<long> now)
    {
        await Race.Gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (Race.Winner is not null)
            {
                return null;
            }

            var wins = finishes && IsWhole;
            var nowMs = now();
            CheckpointRow[] rows = wins ? [Race.Row(Index, nowMs)] : [];
            var result = Outer is null
                ? await write(make(rows)).ConfigureAwait(false)
                : await Outer.CommitAsync(outer => make([.. rows, .. outer]), wins, write, now).ConfigureAwait(false);
            if (wins && result?.Status == CommitStatus.Written)
            {
                Race.WonBy(Index, nowMs);
            }

            return result;
        }
        finally
        {
            Race.Gate.Release();
        }
    }
}
