using System.Runtime.CompilerServices;
using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>The front door: defines workflows.</summary>
public static class Workflow
{
    // What the compiler passes as the caller's name where a definition stands in no member with a name of its own.
    private static readonly string[] NamelessMembers = ["<Main>$", "Main", ".ctor", ".cctor"];

    /// <summary>Begins a fluent definition of a workflow with a result; <see cref="WorkflowBuilder{TIn,TOut}.Return"/> ends it.</summary>
    /// <remarks>
    /// The builder is immutable: each call on it returns a new one, so a shared beginning may be continued in several ways.
    /// </remarks>
    /// <param name="name">
    /// The name that finds the code of stored work again. By default the name of the member that calls, as in
    /// <c>static readonly WorkflowDefinition&lt;Order, Receipt&gt; Checkout = Workflow.Define&lt;Order, Receipt&gt;()…</c>; give it
    /// explicitly where a member may be renamed. Not blank, at most 255 characters, no control characters.
    /// </param>
    /// <typeparam name="TIn">Type of the input.</typeparam>
    /// <typeparam name="TOut">Type of the result.</typeparam>
    /// <returns>An empty builder.</returns>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters, or it is that of a constructor or of a program's entry point.
    /// </exception>
    public static WorkflowBuilder<TIn, TOut> Define<TIn, TOut>([CallerMemberName] string name = "") =>
        new(FlowPath<TIn>.Begin(CheckMemberName(name)));

    /// <summary>Begins a fluent definition of a workflow without a result; <see cref="WorkflowBuilder{TIn,TOut}.End"/> ends it.</summary>
    /// <param name="name">The name that finds the code of stored work again; by default the name of the member that calls.</param>
    /// <typeparam name="TIn">Type of the input; <see cref="Unit"/> for none.</typeparam>
    /// <returns>An empty builder.</returns>
    /// <remarks>Everything said of <see cref="Define{TIn,TOut}(string)"/> holds.</remarks>
    /// <exception cref="ArgumentException">
    /// The name is blank, too long or holds control characters, or it is that of a constructor or of a program's entry point.
    /// </exception>
    public static WorkflowBuilder<TIn, Unit> Define<TIn>([CallerMemberName] string name = "") =>
        new(FlowPath<TIn>.Begin(CheckMemberName(name)));

    /// <summary>Defines a workflow by an async iterator that yields steps and, last, its result.</summary>
    /// <param name="name">
    /// The name that finds the code of stored work again. Not blank, at most 255 characters, no control characters.
    /// </param>
    /// <param name="body">The iterator. It is replayed after a crash, so whatever is not deterministic belongs in a step.</param>
    /// <typeparam name="TIn">Type of the input.</typeparam>
    /// <typeparam name="TOut">Type of the result.</typeparam>
    /// <returns>The definition; it may be registered with many engines.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static WorkflowDefinition<TIn, TOut> Define<TIn, TOut>(
        string name, Func<TIn, WorkflowContext, IAsyncEnumerable<StepOr<TOut>>> body)
    {
        Names.CheckName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        return new(
            name,
            PayloadFormat.MessagePack,
            new IteratorShape(name, body),
            (input, context) => new IteratorBody<TOut>((body(input, context) ?? throw NoIterator(name)).GetAsyncEnumerator(), name));
    }

    /// <summary>Defines a workflow without a result by an async iterator that yields steps.</summary>
    /// <param name="name">The name that finds the code of stored work again.</param>
    /// <param name="body">The iterator; its end is the workflow's success.</param>
    /// <typeparam name="TIn">Type of the input.</typeparam>
    /// <returns>The definition.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static WorkflowDefinition<TIn, Unit> Define<TIn>(string name, Func<TIn, WorkflowContext, IAsyncEnumerable<Step>> body)
    {
        Names.CheckName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        return new(
            name,
            PayloadFormat.MessagePack,
            new IteratorShape(name, body),
            (input, context) => new IteratorBody((body(input, context) ?? throw NoIterator(name)).GetAsyncEnumerator(), name));
    }

    /// <summary>
    /// Declares a workflow whose code lives elsewhere, perhaps in another language: enough to start it, call it and await it.
    /// </summary>
    /// <remarks>
    /// It has no body, so no engine runs it; its fingerprint is empty. Where the code is at hand, use the definition itself.
    /// </remarks>
    /// <param name="name">The name under which the workflow is registered where its code lives.</param>
    /// <param name="format">
    /// How its input is written; <see cref="PayloadFormat.PortableJson"/> for a program in another language. MessagePack by default.
    /// </param>
    /// <typeparam name="TIn">Type of the input.</typeparam>
    /// <typeparam name="TOut">Type of the result.</typeparam>
    /// <returns>The declaration.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The format is none of the known ones.</exception>
    public static WorkflowDefinition<TIn, TOut> Declare<TIn, TOut>(string name, PayloadFormat format = PayloadFormat.MessagePack)
    {
        Names.CheckName(name, nameof(name));
        return Enum.IsDefined(format)
            ? new(name, format, new DeclaredShape(name), open: null)
            : throw new ArgumentOutOfRangeException(nameof(format), format, "The format is MessagePack or PortableJson.");
    }

    /// <summary>
    /// Ends this generation and starts the workflow afresh under the same id, so that an endless loop has a history that does not grow.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Yield it as the last step: nothing behind it runs. One transaction deletes the checkpoints and replaces the input; a crash leaves
    /// the old generation or the new one, whole. Sequence numbers begin at 0 again, a timeout and the recovery attempts start over.
    /// Unread messages, events, streams, attributes and the place in a queue stay, and children run on. Handles wait for the result of the
    /// generation that ends without it.
    /// </para>
    /// <para>
    /// From the second generation on, ids of children are <c>{id}-g{generation}-{sequence}</c> and idempotency keys
    /// <c>{id}:{generation}:{sequence}</c>, counted from 0. What steps of the ended generation would have undone is forgotten.
    /// </para>
    /// </remarks>
    /// <param name="input">The input of the next generation.</param>
    /// <typeparam name="TIn">
    /// Must be the input type of the workflow's definition: with another one the workflow fails with an
    /// <see cref="InvalidOperationException"/>.
    /// </typeparam>
    /// <returns>The descriptor, to be yielded; not as a member of a group.</returns>
    public static Step ContinueAsNew<TIn>(TIn input) => new ContinueAsNewStep(input, typeof(TIn));

    private static string CheckMemberName(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || NamelessMembers.Contains(name))
        {
            throw new ArgumentException(
                $"'{name}' is no name for a workflow: the definition is in no member to be named after. "
                + "Name it explicitly: Workflow.Define<Order, Receipt>(\"checkout\").",
                nameof(name));
        }

        return Names.CheckName(name, nameof(name));
    }

    private static InvalidOperationException NoIterator(string name) =>
        new($"The method of workflow '{name}' returned null: it has to be an async iterator, which yields its steps.");
}
