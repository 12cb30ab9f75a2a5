namespace Dbos.Fluent.Definitions;

/// <summary>Steps that run at once. It has no row of its own: each member is a step, numbered in the order listed.</summary>
internal abstract class AllStep<T> : Step<T>, IAllStep
{
    private protected AllStep(IReadOnlyList<Step> members, int maxParallel)
        : base(BuiltInNames.All)
    {
        foreach (var member in members)
        {
            ArgumentNullException.ThrowIfNull(member);
        }

        Members = Apart(members);
        MaxParallel = maxParallel;
    }

    public IReadOnlyList<Step> Members { get; private set; }

    public int MaxParallel { get; }

    internal override int Slots => Members.Sum(member => member.Slots);

    internal override IEnumerable<object> ResultSlots => [.. base.ResultSlots, .. Members.SelectMany(member => member.ResultSlots)];

    public abstract void Gather();

    internal override void Bind(object run)
    {
        base.Bind(run);
        foreach (var member in Members)
        {
            member.Bind(run);
        }
    }

    internal override Step WithOwnResult()
    {
        var copy = (AllStep<T>)base.WithOwnResult();
        copy.Members = [.. Members.Select(member => member.WithOwnResult())];
        return copy;
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

/// <summary>Members of one type; the result is the list of theirs, in the order listed.</summary>
internal sealed class AllOfStep<T>(IReadOnlyList<Step<T>> members, int maxParallel = int.MaxValue)
    : AllStep<IReadOnlyList<T>>(members, maxParallel)
{
    public override void Gather() => Complete(Members.Select(member => ((Step<T>)member).Result).ToArray());
}

/// <summary>Members of any types; there is no common result.</summary>
internal sealed class AllUnitStep(IReadOnlyList<Step> members) : AllStep<Unit>(members, int.MaxValue)
{
    public override void Gather() => Complete(default(Unit));
}
