using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>A workflow's name and code. Immutable and independent of any engine; it may be registered with many.</summary>
public abstract class WorkflowDefinition
{
    private protected WorkflowDefinition(string name, PayloadFormat format, DefinitionShape shape) =>
        (Name, Format, Shape) = (name, format, shape);

    /// <summary>The name by which an engine finds the code of stored work; it must not change while work is unfinished.</summary>
    public string Name { get; }

    /// <summary>A text that changes when the workflow's own code changes, and not on a mere rebuild.</summary>
    /// <remarks>
    /// A workflow's own code is the structure of a fluent definition, the bodies given to it, lambdas and local functions in them, and
    /// methods of the same assembly that make or yield steps. The code of other methods, in this assembly or in a library, does not count.
    /// Of captured values, other code, results of steps and workflow definitions count; numbers, texts and other objects do not. A debug
    /// and a release build differ. The text is computed from the compiled code on first use, and kept.
    /// </remarks>
    /// <value>32 hexadecimal digits; empty for a declaration, and if the compiled code cannot be read, as in a native program.</value>
    public string Fingerprint => Shape.Fingerprint;

    internal PayloadFormat Format { get; }

    internal DefinitionShape Shape { get; }

    /// <summary>False for a declared contract, whose code lives elsewhere.</summary>
    internal abstract bool HasBody { get; }

    internal abstract Type InputType { get; }

    internal abstract Type OutputType { get; }

    /// <summary>Draws the workflow as a Mermaid flowchart.</summary>
    /// <returns>The text of the diagram. An iterator's steps are unknown until it runs, so its diagram is one box that says so.</returns>
    public string ToMermaid() => Shape.ToMermaid();

    /// <summary>Opens a run of the body. No code of it runs before the first move.</summary>
    internal abstract IWorkflowBody Open(object? input, WorkflowContext context);
}

/// <summary>A workflow with an input of type <typeparamref name="TIn"/> and a result of type <typeparamref name="TOut"/>.</summary>
/// <typeparam name="TIn">Type of the input; it must be serializable.</typeparam>
/// <typeparam name="TOut">Type of the result; it must be serializable. <see cref="Unit"/> for none.</typeparam>
public sealed class WorkflowDefinition<TIn, TOut> : WorkflowDefinition
{
    private readonly Func<TIn, WorkflowContext, IWorkflowBody>? open;

    internal WorkflowDefinition(string name, PayloadFormat format, DefinitionShape shape, Func<TIn, WorkflowContext, IWorkflowBody>? open)
        : base(name, format, shape) => this.open = open;

    internal override bool HasBody => open is not null;

    internal override Type InputType => typeof(TIn);

    internal override Type OutputType => typeof(TOut);

    internal override IWorkflowBody Open(object? input, WorkflowContext context) => open!((TIn)input!, context);
}
