namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of steps that run at once, whatever their types.</summary>
internal interface IAllStep
{
    IReadOnlyList<Step> Members { get; }

    /// <summary>How many members may run at one time.</summary>
    int MaxParallel { get; }

    /// <summary>Makes the common result of the members' results; called when all have succeeded.</summary>
    void Gather();
}
