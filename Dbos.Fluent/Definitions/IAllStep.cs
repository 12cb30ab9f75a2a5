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
