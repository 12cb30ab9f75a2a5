using Dbos.Fluent.Definitions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent;

/// <summary>The front door: defines workflows.</summary>
public static class Workflow
{
    /// <summary>Defines a workflow by an async iterator that yields steps and, last, its result.</summary>
    /// <param name="name">The name that finds the code of stored work again. Not blank, at most 255 characters, no control characters.</param>
    /// <param name="body">The iterator. It is replayed after a crash, so whatever is not deterministic belongs in a step.</param>
    /// <typeparam name="TIn">Type of the input.</typeparam>
    /// <typeparam name="TOut">Type of the result.</typeparam>
    /// <returns>The definition; it may be registered with many engines.</returns>
    /// <exception cref="ArgumentException">The name is blank, too long or holds control characters.</exception>
    public static WorkflowDefinition<TIn, TOut> Define<TIn, TOut>(string name, Func<TIn, WorkflowContext, IAsyncEnumerable<StepOr<TOut>>> body)
    {
        Names.CheckName(name, nameof(name));
        ArgumentNullException.ThrowIfNull(body);
        return new(name, PayloadFormat.MessagePack, IteratorShape.Of(name, body), (input, context) => new IteratorBody<TOut>(body(input, context).GetAsyncEnumerator(), name));
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
        return new(name, PayloadFormat.MessagePack, IteratorShape.Of(name, body), (input, context) => new IteratorBody(body(input, context).GetAsyncEnumerator(), name));
    }
}
