using Dbos.Fluent.Definitions;

namespace Dbos.Fluent;

/// <summary>A workflow's name and code. Immutable; it knows nothing of running and may be registered with many engines.</summary>
public abstract class WorkflowDefinition
{
    private protected WorkflowDefinition(string name, PayloadFormat format, DefinitionShape shape) =>
        (Name, Format, Shape) = (name, format, shape);

    /// <summary>The name that finds the code of stored work again; it must not change while work is unfinished.</summary>
    public string Name { get; }

    /// <summary>A text that changes when the workflow's own code changes, and not when it is only rebuilt.</summary>
    /// <remarks>
    /// Its own code is the structure of a fluent definition, the bodies given to it, lambdas and local functions in them, and methods of
    /// the same assembly that make steps or yield them. What other methods do, in this assembly or in a library, does not count. Of what
    /// the code captured, other code, results of steps and definitions of workflows count; numbers, texts and other objects do not. A debug
    /// and a release build differ. It is read from the compiled code when first asked for, and kept.
    /// </remarks>
    /// <value>32 hexadecimal digits; empty for a declaration, and where compiled code cannot be read, as in a native program.</value>
    public string Fingerprint => Shape.Fingerprint;

    internal PayloadFormat Format { get; }

    internal DefinitionShape Shape { get; }

    /// <summary>False for a declared contract, whose code lives elsewhere.</summary>
    internal abstract bool HasBody { get; }

    internal abstract Type InputType { get; }

    internal abstract Type OutputType { get; }

    /// <summary>The workflow as a Mermaid flowchart.</summary>
    /// <returns>
    /// The text of the diagram. An iterator's steps cannot be known without running it, so its diagram is one box that says so.
    /// </returns>
    public string ToMermaid() => Shape.ToMermaid();

    /// <summary>Opens a run of the body. Nothing of it runs before the first move.</summary>
    internal abstract IWorkflowBody Open(object? input, WorkflowContext context);
}

/// <summary>A workflow that takes a <typeparamref name="TIn"/> and gives a <typeparamref name="TOut"/>.</summary>
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
