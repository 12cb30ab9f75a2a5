using System.Globalization;
using System.Reflection;

namespace Dbos.Fluent.Definitions;

internal sealed partial class CodeText
{
    // A closure's field for the object whose method made it.
    private const string Outer = "<>4__this";

    private readonly HashSet<long> given = [];

    private void Add(Delegate code, HashSet<Delegate> around)
    {
        if (!around.Add(code))
        {
            return;
        }

        if (!IsFound(code.Method))
        {
            given.Add(names.KeyOf(code.Method));
        }

        Line(IsForWorkflows(code.Method) ? Own(code.Method) : names.Of(code.Method));
        self = Self(code.Target);
        Read();
        if (code.Target is { } target)
        {
            AddCaptured(code, target, new(ReferenceEqualityComparer.Instance), around);
        }
    }

    private static Type? Self(object? target) => target is not null && MemberNames.IsGenerated(target.GetType())
        ? target.GetType().GetField(Outer, Instance)?.GetValue(target)?.GetType()
        : target?.GetType();

    // Variables of an inner block stand in a closure of their own, which leads to that of the block around it.
    private void AddCaptured(Delegate code, object holder, HashSet<object> seen, HashSet<Delegate> around)
    {
        if (!seen.Add(holder))
        {
            return;
        }

        var type = holder.GetType();
        var fields = type.GetFields(Instance);
        AddConstants(holder, fields);
        if (!MemberNames.IsGenerated(type))
        {
            return;
        }

        // Code that a method of the user's wrapped, such as one that adds logging to each body, is reached only through what it captured.
        // A field of the compiler's own may hold a delegate as well: one it has made before, which tells what has run, not what is written.
        // One closure holds what all lambdas of a method capture: what this code does not look at is the business of some other.
        foreach (var field in fields.Where(field => field.Name[0] != '<' || field.Name == Outer).OrderBy(field => field.MetadataToken))
        {
            if (!used.Contains(names.KeyOf(field)) && IsFound(code.Method))
            {
                continue;
            }

            var value = field.GetValue(holder);
            if (value is Delegate wrapped && wrapped.Method.Module == code.Method.Module && !IsWritten(wrapped.Method))
            {
                Add(wrapped, around);
            }
            else if (value is not null and not Delegate && (field.Name == Outer || MemberNames.IsGenerated(value.GetType())))
            {
                AddCaptured(code, value, seen, around);
            }
        }
    }

    // Which result is read and which child is started decide what a step does, and were assigned by code that is not read: that which
    // builds the definition. Other values are not looked at: a captured counter or address tells what has run, and where.
    private void AddConstants(object holder, FieldInfo[] fields)
    {
        var constants =
            from field in fields
            where used.Contains(names.KeyOf(field))
            let value = Constant(field.GetValue(holder))
            where value is not null
            select $"{names.Of(field)} is {value}";
        foreach (var constant in constants.Order(StringComparer.Ordinal))
        {
            Line(constant);
        }
    }

    private static string? Constant(object? value) => value switch
    {
        IResultName result => string.Create(CultureInfo.InvariantCulture, $"result {result.Key.Ordinal}"),
        IReadOnlyList<IResultName> results => "results " + string.Join(' ', results.Select(Constant)),
        WorkflowDefinition definition => $"workflow {definition.Name}",
        _ => null,
    };

    // Code that makes a delegate says which, and may keep it in a variable of its own once it has run. What was given from outside is told
    // by nothing else, as often as it is met: which of several bodies stands here.
    private bool IsWritten(MethodInfo method) => IsFound(method) && !given.Contains(names.KeyOf(method));
}
