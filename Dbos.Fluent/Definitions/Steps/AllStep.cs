using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of concurrent steps, whatever their types.</summary>
internal interface IAllStep
{
    IReadOnlyList<Step> Members { get; }

    /// <summary>How many members may run concurrently.</summary>
    int MaxParallel { get; }

    /// <summary>True if a failure of any member, tolerant or not, leaves no common result.</summary>
    bool NeedsEachResult { get; }

    /// <summary>Clears the outcomes of members that no row records, after the group has failed.</summary>
    /// <returns>True if the rows record the outcomes of all members.</returns>
    bool ClearUnrecordedMembers(object run);

    /// <summary>Makes the common result from the members' results; called when all have succeeded.</summary>
    void Gather();
}

/// <summary>Concurrent steps that are all awaited. The group has no row of its own.</summary>
internal abstract class AllStep<T>(IReadOnlyList<Step> members, int maxParallel) : GroupStep<T>(BuiltInNames.All, members), IAllStep
{
    public int MaxParallel { get; } = maxParallel;

    public virtual bool NeedsEachResult => false;

    public abstract void Gather();

    /// <summary>Completes the group; its result is readable if that of each member is.</summary>
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

/// <summary>Members of one type; the result is the list of their results, in the order listed.</summary>
internal sealed class AllOfStep<T>(IReadOnlyList<Step<T>> members, int maxParallel = int.MaxValue)
    : AllStep<IReadOnlyList<T>>(members, maxParallel)
{
    public override bool NeedsEachResult => true;

    public override void Gather()
    {
        // If a member failed, there is no list, whatever the others returned.
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

/// <summary>Members of one type whose failures are data: all run to completion.</summary>
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
