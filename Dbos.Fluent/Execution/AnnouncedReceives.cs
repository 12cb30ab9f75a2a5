using Dbos.Fluent.Definitions;

namespace Dbos.Fluent.Execution;

/// <summary>The receives among the members of a group, announced in their order before any member begins.</summary>
internal sealed class AnnouncedReceives : IDisposable
{
    private readonly List<ReceiveTurns.Turn> turns = [];

    public AnnouncedReceives(ReceiveTurns receives, IReadOnlyList<Step> members, Slots slots) => Announce(receives, members, slots);

    /// <summary>Those that never began are done with when the group is.</summary>
    public void Dispose() => turns.ForEach(turn => turn.Dispose());

    private void Announce(ReceiveTurns receives, IReadOnlyList<Step> members, Slots slots)
    {
        var starts = GroupExecution.FirstNumbers(members);
        for (var i = 0; i < starts.Length; i++)
        {
            var place = slots.From(starts[i]);
            switch (members[i])
            {
                case IReceiveStep receive:
                    turns.Add(receives.Announce(receive.Topic, place.First));
                    break;
                case IAllStep group:
                    Announce(receives, group.Members, place);
                    break;
                case IAnyStep group:
                    Announce(receives, group.Members, place);
                    break;
            }
        }
    }
}
