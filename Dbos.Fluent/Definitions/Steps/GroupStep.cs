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

        Members = WithDistinctSlots(members);
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

    // A group has no row: its outcome is recorded if those of all its members are.
    internal override bool ClearUnrecorded(object run)
    {
        if (ClearUnrecordedMembers(run))
        {
            return true;
        }

        base.Bind(run);
        return false;
    }

    public bool ClearUnrecordedMembers(object run)
    {
        var all = true;
        foreach (var member in Members)
        {
            all &= member.ClearUnrecorded(run);
        }

        return all;
    }

    internal override void CopyOutcomeFrom(Step clone)
    {
        base.CopyOutcomeFrom(clone);
        foreach (var (member, cloned) in Members.Zip(((GroupStep<T>)clone).Members))
        {
            member.CopyOutcomeFrom(cloned);
        }
    }

    internal override Step CloneWithNewSlot()
    {
        var copy = (GroupStep<T>)base.CloneWithNewSlot();
        copy.Members = [.. Members.Select(member => member.CloneWithNewSlot())];
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

    // A descriptor listed twice is two steps that run at once: each needs a slot of its own, and the last one has the descriptor's.
    private static Step[] WithDistinctSlots(IReadOnlyList<Step> members)
    {
        var distinct = members.ToArray();
        var taken = new HashSet<object>(ReferenceEqualityComparer.Instance);
        for (var i = distinct.Length - 1; i >= 0; i--)
        {
            if (distinct[i].ResultSlots.Any(taken.Contains))
            {
                distinct[i] = distinct[i].CloneWithNewSlot();
            }

            taken.UnionWith(distinct[i].ResultSlots);
        }

        return distinct;
    }
}
