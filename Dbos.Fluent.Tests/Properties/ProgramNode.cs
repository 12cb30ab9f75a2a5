namespace Dbos.Fluent.Tests.Properties;

/// <summary>What a generated workflow does, as data. Every node has a number of its own in its program, which names its steps.</summary>
internal abstract record ProgramNode(int Number);

/// <summary>A step whose result follows from the value before it. It fails so many attempts first.</summary>
internal sealed record WorkNode(int Number, int Failures = 0) : ProgramNode(Number);

/// <summary>A step that fails on all of its attempts, and whose failure becomes the value.</summary>
internal sealed record ToleratedNode(int Number, int Attempts) : ProgramNode(Number);

/// <summary>A step, or the body itself, fails: the end.</summary>
internal sealed record FailNode(int Number, bool InStep) : ProgramNode(Number);

internal sealed record SleepNode(int Number, TimeSpan Duration) : ProgramNode(Number);

/// <summary>The value decides the way; behind the branch it is what it was before.</summary>
internal sealed record BranchNode(int Number, IReadOnlyList<ProgramNode> Even, IReadOnlyList<ProgramNode> Odd) : ProgramNode(Number);

/// <summary>The value decides how often, up to three times.</summary>
internal sealed record LoopNode(int Number, IReadOnlyList<ProgramNode> Body) : ProgramNode(Number);

/// <summary>One step for each item, at once; the value decides how many.</summary>
internal sealed record EachNode(int Number, int ItemsMax) : ProgramNode(Number);

/// <summary>Steps of one result type, at once: <see cref="WorkNode"/> and <see cref="CallNode"/>.</summary>
internal sealed record TypedGroupNode(int Number, IReadOnlyList<ProgramNode> Members) : ProgramNode(Number);

/// <summary>Steps of any kind, at once, groups among them.</summary>
internal sealed record GroupNode(int Number, IReadOnlyList<ProgramNode> Members) : ProgramNode(Number);

/// <summary>A group of which just one member fails. What the others have recorded by then is a matter of timing.</summary>
internal sealed record FailingGroupNode(int Number, IReadOnlyList<ProgramNode> Members, int Failing, bool Tolerated) : ProgramNode(Number);

/// <summary>Another program, started and awaited.</summary>
internal sealed record CallNode(int Number, ProgramInput Child, bool Tolerated) : ProgramNode(Number);

/// <summary>Another program, started; something else meanwhile; then awaited.</summary>
internal sealed record StartNode(int Number, ProgramInput Child, IReadOnlyList<ProgramNode> Meanwhile) : ProgramNode(Number);

/// <summary>The value takes up random numbers and ids of the workflow's own.</summary>
internal sealed record DrawNode(int Number) : ProgramNode(Number);

/// <summary>The input of a generated workflow: all that its program follows from.</summary>
/// <param name="Seed">Decides the program.</param>
/// <param name="Depth">How many levels of children it may have.</param>
/// <param name="Form">Which nodes it may have.</param>
/// <param name="Value">The value it begins with.</param>
internal sealed record ProgramInput(int Seed, int Depth, ProgramForm Form, int Value = 0);

/// <summary>Which nodes a program may have.</summary>
internal enum ProgramForm
{
    /// <summary>Any.</summary>
    Free,

    /// <summary>Those that the fluent form can express too.</summary>
    Fluent,

    /// <summary>Any, but it always succeeds, and draws nothing: for children whose ids differ from run to run.</summary>
    Child,

    /// <summary>As a child, but it may fail.</summary>
    FallibleChild,
}
