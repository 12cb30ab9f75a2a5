using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of steps that run at once, whatever their types.</summary>
internal interface IAllStep
{
    IReadOnlyList<Step> Members { get; }

    /// <summary>How many members may run at one time.</summary>
    int MaxParallel { get; }

    /// <summary>True where a failure of any member, tolerant or not, leaves no common result.</summary>
    bool NeedsEachResult { get; }

    /// <summary>Clears the outcomes of members that no row records, where the group has failed.</summary>
    /// <returns>True if the rows record the outcomes of all members.</returns>
    bool ClearUnrecordedMembers(object run);

    /// <summary>Makes the common result of the members' results; called when all have succeeded.</summary>
    void Gather();
}

/// <summary>Steps that run at once and are all awaited. It has no row of its own.</summary>
internal abstract class AllStep<T>(IReadOnlyList<Step> members, int maxParallel) : GroupStep<T>(BuiltInNames.All, members), IAllStep
{
    public int MaxParallel { get; } = maxParallel;

    public virtual bool NeedsEachResult => false;

    public abstract void Gather();

    /// <summary>Completes the group: its result can be read where that of each member can.</summary>
    private protected void CompleteWith(Func<T> results)
    {
        if (Members.Select(member => member.Unreadable).FirstOrDefault(read => read is not null) is { } unreadable)
        {
            CompleteUnreadable(unreadable);
        }
        else
        {
            Complete(results());
        }
    }
}

/// <summary>Members of one type; the result is the list of theirs, in the order listed.</summary>
internal sealed class AllOfStep<T>(IReadOnlyList<Step<T>> members, int maxParallel = int.MaxValue)
    : AllStep<IReadOnlyList<T>>(members, maxParallel)
{
    public override bool NeedsEachResult => true;

    public override void Gather()
    {
        // A member that failed is why there is no list, whatever the others have.
        if (Members.FirstOrDefault(member => member.RecordedException is not null) is { RecordedException: { } failure })
        {
            throw failure;
        }

        CompleteWith(() => Members.Select(member => ((Step<T>)member).Result).ToArray());
    }
}

/// <summary>Members of any types; there is no common result.</summary>
internal sealed class AllUnitStep(IReadOnlyList<Step> members) : AllStep<Unit>(members, int.MaxValue)
{
    public override void Gather() => Complete(default(Unit));
}

/// <summary>Members of one type whose failures are data: all run to their end.</summary>
internal sealed class AllOutcomesStep<T>(IReadOnlyList<Step<T>> members)
    : AllStep<IReadOnlyList<StepOutcome<T>>>([.. members.Select(Tolerating)], int.MaxValue)
{
    public override void Gather() => CompleteWith(() => Members.Select(member => ((Step<T>)member).ToOutcome()).ToArray());

    private static Step<T> Tolerating(Step<T> member)
    {
        ArgumentNullException.ThrowIfNull(member);
        return member.Try(out _);
    }
}
