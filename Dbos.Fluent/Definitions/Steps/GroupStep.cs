namespace Dbos.Fluent.Definitions;

/// <summary>A step of several members, each its own step, numbered in the order listed.</summary>
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

    // A group has no row: its outcome is recorded if the outcomes of all members are.
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

    // A member's number depends on how many numbers each earlier member takes, which a patch knows only when it runs. A run in which others
    // still run cannot continue as new.
    private void Refuse(Step member)
    {
        if (member is IPatchStep or ContinueAsNewStep)
        {
            throw new InvalidOperationException(
                $"{member.Name} was given to {Name} as a member, where others run beside it: "
                + "yield it by itself, before or after the group.");
        }
    }

    // A descriptor listed twice is two concurrent steps: each needs its own slot, and the last keeps the descriptor's.
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
