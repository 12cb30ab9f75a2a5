namespace Dbos.Fluent.Definitions;

/// <summary>A step of several members, each a step of its own, numbered in the order listed.</summary>
internal abstract class GroupStep<T> : Step<T>
{
    private protected GroupStep(string name, IReadOnlyList<Step> members)
        : base(name)
    {
        foreach (var member in members)
        {
            ArgumentNullException.ThrowIfNull(member);
            Refuse(member);
        }

        Members = Apart(members);
    }

    public IReadOnlyList<Step> Members { get; private set; }

    internal override int Slots => Members.Sum(member => member.Slots);

    internal override IEnumerable<object> ResultSlots => [.. base.ResultSlots, .. Members.SelectMany(member => member.ResultSlots)];

    internal override void Bind(object run)
    {
        base.Bind(run);
        foreach (var member in Members)
        {
            member.Bind(run);
        }
    }

    internal override bool KeepStored(object run)
    {
        if (KeepStoredOfMembers(run))
        {
            return true;
        }

        base.Bind(run);
        return false;
    }

    public bool KeepStoredOfMembers(object run)
    {
        var all = true;
        foreach (var member in Members)
        {
            all &= member.KeepStored(run);
        }

        return all;
    }

    internal override void ShowOutcomeOf(Step same)
    {
        base.ShowOutcomeOf(same);
        foreach (var (member, other) in Members.Zip(((GroupStep<T>)same).Members))
        {
            member.ShowOutcomeOf(other);
        }
    }

    internal override Step WithOwnResult()
    {
        var copy = (GroupStep<T>)base.WithOwnResult();
        copy.Members = [.. Members.Select(member => member.WithOwnResult())];
        return copy;
    }

    // The numbers of members follow from how many each takes, which a patch knows only when it runs; and a run that others still run in
    // cannot begin afresh.
    private void Refuse(Step member)
    {
        if (member is IPatchStep or ContinueAsNewStep)
        {
            throw new InvalidOperationException(
                $"{member.Name} was given to {Name} as a member, where others run beside it: "
                + "yield it by itself, before or after the group.");
        }
    }

    // A descriptor listed twice is two steps that run at once: each needs a result of its own, and the last one's is the descriptor's.
    private static Step[] Apart(IReadOnlyList<Step> members)
    {
        var apart = members.ToArray();
        var taken = new HashSet<object>(ReferenceEqualityComparer.Instance);
        for (var i = apart.Length - 1; i >= 0; i--)
        {
            if (apart[i].ResultSlots.Any(taken.Contains))
            {
                apart[i] = apart[i].WithOwnResult();
            }

            taken.UnionWith(apart[i].ResultSlots);
        }

        return apart;
    }
}
