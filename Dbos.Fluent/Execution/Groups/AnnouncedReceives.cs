using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>
/// Announces the receives among members of a group, or in a step of a branch, before any begins. For a decided race it announces only the
/// winner's, as no other member is restored.
/// </summary>
internal sealed class AnnouncedReceives : IDisposable
{
    private readonly List<ReceiveTurns.Turn> turns = [];

    public AnnouncedReceives(RunScope run, IReadOnlyList<Step> members, Slots slots) => Announce(run, members, slots, only: null);

    /// <summary>Ends all turns with the group, even those that never began.</summary>
    public void Dispose() => turns.ForEach(turn => turn.Dispose());

    private void Announce(RunScope run, IReadOnlyList<Step> members, Slots slots, int? only)
    {
        var starts = Slots.FirstNumbers(members);
        for (var i = 0; i < starts.Length; i++)
        {
            var place = slots.From(starts[i]);
            switch (members[i])
            {
                case var _ when only is { } winner && winner != i:
                    break;
                case IReceiveStep receive:
                    turns.Add(run.Receives.Announce(receive.Topic, place.First));
                    break;
                case IAllStep group:
                    Announce(run, group.Members, place, only: null);
                    break;
                case IAnyStep group:
                    Announce(run, group.Members, place, AnyExecution.Winner(group, run.History.At(place[members[i].Slots - 1])));
                    break;
            }
        }
    }
}
