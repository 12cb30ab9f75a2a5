using Dbos.Fluent.Model;

namespace Dbos.Fluent.Definitions;

/// <summary>What execution needs of a step that marks a change of the code.</summary>
internal interface IPatchStep
{
    /// <summary>True to only pass over a marker that is there, and to write none.</summary>
    bool IsDeprecated { get; }

    /// <summary>Set by execution: whether the marker is there, and so has a number.</summary>
    bool IsMarked { set; }
}

/// <summary>Whether the new code is to run: true for a run that has not passed here before, or that has passed with the marker.</summary>
internal sealed class PatchStep(string name) : Step<bool>(BuiltInNames.PatchPrefix + name), IPatchStep
{
    public bool IsDeprecated => false;

    public bool IsMarked { private get; set; }

    // Known only when it has run: an old history has no place for the marker.
    internal override int Slots => IsMarked ? 1 : 0;
}

/// <summary>Passes over the marker of a change that no unfinished workflow lacks any more.</summary>
internal sealed class DeprecatePatchStep(string name) : Step<Unit>(BuiltInNames.PatchPrefix + name), IPatchStep
{
    public bool IsDeprecated => true;

    public bool IsMarked { private get; set; }

    internal override int Slots => IsMarked ? 1 : 0;
}
