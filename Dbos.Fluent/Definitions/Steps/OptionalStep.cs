namespace Dbos.Fluent.Definitions;

/// <summary>Execution's view of a step that waits for a value from outside and may end without one.</summary>
internal interface IValueStep
{
    /// <summary>The type to decode the value as; the step's own result may be an <see cref="Optional{T}"/> of it.</summary>
    Type ValueType { get; }

    /// <summary>Puts a decoded value where the workflow reads it.</summary>
    void CompleteWith(object? value);

    /// <summary>Reports that no value came. Never called on a receive without a timeout.</summary>
    void CompleteEmpty();
}

/// <summary>A step that waits for a value and may end without one.</summary>
internal abstract class OptionalStep<T> : Step<Optional<T>>, IValueStep
{
    private protected OptionalStep(string name)
        : base(name)
    {
    }

    public Type ValueType => typeof(T);

    public void CompleteWith(object? value) => Complete(new Optional<T>(true, (T?)value));

    public void CompleteEmpty() => Complete(default(Optional<T>));
}
