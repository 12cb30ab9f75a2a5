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

        Members = members;
        MaxParallel = maxParallel;
    }

    public IReadOnlyList<Step> Members { get; }

    public int MaxParallel { get; }

    internal override int Slots => Members.Sum(member => member.Slots);

    public abstract void Gather();

    internal override void Bind(object run)
    {
        base.Bind(run);
        foreach (var member in Members)
        {
            member.Bind(run);
        }
    }
}

/// <summary>Members of one type; the result is the list of theirs, in the order listed.</summary>
internal sealed class AllOfStep<T>(IReadOnlyList<Step<T>> members, int maxParallel = int.MaxValue)
    : AllStep<IReadOnlyList<T>>(members, maxParallel)
{
    public override void Gather() => Complete(members.Select(member => member.Result).ToArray());
}

/// <summary>Members of any types; there is no common result.</summary>
internal sealed class AllUnitStep(IReadOnlyList<Step> members) : AllStep<Unit>(members, int.MaxValue)
{
    public override void Gather() => Complete(default(Unit));
}
