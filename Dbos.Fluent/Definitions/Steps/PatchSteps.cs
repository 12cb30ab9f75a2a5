using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that marks a change of the code.</summary>
internal interface IPatchStep
{
    /// <summary>True to only skip an existing marker and write none.</summary>
    bool IsDeprecated { get; }

    /// <summary>Set by execution: whether the marker exists and so takes a number.</summary>
    bool IsMarked { set; }
}

/// <summary>Decides whether the new code runs: true for a run that has not passed here before, or has passed with the marker.</summary>
internal sealed class PatchStep(string name) : Step<bool>(BuiltInNames.PatchPrefix + name), IPatchStep
{
    public bool IsDeprecated => false;

    public bool IsMarked { private get; set; }

    // Known only when the step has run: an old history has no place for the marker.
    internal override int Slots => IsMarked ? 1 : 0;
}

/// <summary>Skips the marker of a change that every unfinished workflow has by now.</summary>
internal sealed class DeprecatePatchStep(string name) : Step<Unit>(BuiltInNames.PatchPrefix + name), IPatchStep
{
    public bool IsDeprecated => true;

    public bool IsMarked { private get; set; }

    internal override int Slots => IsMarked ? 1 : 0;
}
