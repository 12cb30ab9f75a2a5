using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Writes a workflow's own code, which is its delegates and what they captured, as text that a rebuild does not change.</summary>
/// <remarks>
/// A workflow's own code is the delegates it is given, what the compiler made of them (state machines, lambdas, local functions), and
/// methods of the same assembly that make or yield steps. Any other method is written as its name only: what it does is not part of the
/// workflow.
/// </remarks>
[UnconditionalSuppressMessage("Trimming", "IL2070", Justification = MethodText.Reason)]
[UnconditionalSuppressMessage("Trimming", "IL2075", Justification = MethodText.Reason)]
internal sealed class CodeText
{
    // A closure's field for the object whose method created it.
    private const string Outer = "<>4__this";

    private const BindingFlags Fields =
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly StringBuilder text = new();
    private readonly MemberNames names = new();
    private readonly MethodText methods;

    // Methods of delegates that were met as values before any code that was read had named them.
    private readonly HashSet<long> passedIn = [];

    public CodeText() => methods = new(text, names);

    /// <summary>Writes a line about the definition's structure.</summary>
    public void Line(string structure) => text.Append(structure).Append('\n');

    /// <summary>Writes the name of a type.</summary>
    public void Type(Type type) => Line(names.Of(type));

    /// <summary>Writes the user's code behind a delegate.</summary>
    public void Add(Delegate code) => Add(code, []);

    public override string ToString() => text.ToString();

    private void Add(Delegate code, HashSet<Delegate> around)
    {
        if (!around.Add(code))
        {
            return;
        }

        if (!methods.IsIncluded(code.Method))
        {
            passedIn.Add(names.KeyOf(code.Method));
        }

        Line(OwnCode.MayBeGiven(code.Method) ? methods.Include(code.Method) : names.Of(code.Method));
        methods.ReadIncluded(Receiver(code.Target));
        if (code.Target is { } target)
        {
            AddCaptured(code, target, new(ReferenceEqualityComparer.Instance), around);
        }
    }

    private static Type? Receiver(object? target) => target is not null && MemberNames.IsGenerated(target.GetType())
        ? target.GetType().GetField(Outer, Fields)?.GetValue(target)?.GetType()
        : target?.GetType();

    // Variables of an inner block have their own closure, which refers to that of the outer block.
    private void AddCaptured(Delegate code, object holder, HashSet<object> seen, HashSet<Delegate> around)
    {
        if (!seen.Add(holder))
        {
            return;
        }

        var type = holder.GetType();
        var fields = type.GetFields(Fields);
        AddConstants(holder, fields);
        if (!MemberNames.IsGenerated(type))
        {
            return;
        }

        // Code that a user's method wrapped, for example to add logging to each body, is reachable only through what the wrapper captured.
        // A field of the compiler's own may cache a delegate; that depends on what has run, not on what is written. One closure holds what
        // all lambdas of a method capture: a field that this code does not read belongs to another lambda.
        foreach (var field in fields.Where(field => field.Name[0] != '<' || field.Name == Outer).OrderBy(field => field.MetadataToken))
        {
            if (!methods.HasRead(field) && methods.IsIncluded(code.Method))
            {
                continue;
            }

            var value = field.GetValue(holder);
            if (value is Delegate wrapped && wrapped.Method.Module == code.Method.Module && !IsNamedByCode(wrapped.Method))
            {
                Add(wrapped, around);
            }
            else if (value is not null and not Delegate && (field.Name == Outer || MemberNames.IsGenerated(value.GetType())))
            {
                AddCaptured(code, value, seen, around);
            }
        }
    }

    // The result that is read and the child that is started decide what a step does. The code that assigned them builds the definition and
    // is not read. Other values are ignored: a captured counter or address depends on what has run, and where.
    private void AddConstants(object holder, FieldInfo[] fields)
    {
        var constants =
            from field in fields
            where methods.HasRead(field)
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

    // Code that creates a delegate names its method, and may keep the delegate in a variable once it has run. Only the value names a method
    // that was passed in, so it is written each time: it says which of several bodies is used here.
    private bool IsNamedByCode(MethodInfo method) => methods.IsIncluded(method) && !passedIn.Contains(names.KeyOf(method));
}
